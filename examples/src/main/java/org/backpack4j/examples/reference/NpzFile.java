package org.backpack4j.examples.reference;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * NumPy's {@code .npz} format, a zip of {@code .npy} files. ({@code Nd4j.createFromNpzFile} cannot
 * read one.)
 */
final class NpzFile {

  private static final String SUFFIX = ".npy";

  private NpzFile() {}

  /** Reads every array, by the name it was saved under. */
  static Map<String, INDArray> read(InputStream in) throws IOException {
    Map<String, INDArray> arrays = new HashMap<>();
    try (ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        if (name.endsWith(SUFFIX)) {
          arrays.put(name.substring(0, name.length() - SUFFIX.length()), NpyFile.read(zip));
        }
      }
    }
    return arrays;
  }
}
