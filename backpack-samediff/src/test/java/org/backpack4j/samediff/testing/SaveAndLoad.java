package org.backpack4j.samediff.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.nd4j.autodiff.samediff.SameDiff;

/** A graph as it is after it was saved to a file and loaded. */
public final class SaveAndLoad {
  private SaveAndLoad() {}

  public static SameDiff through(SameDiff graph) {
    try {
      File file = File.createTempFile("graph", ".fb");
      try {
        graph.save(file, false);
        return SameDiff.load(file, false);
      } finally {
        file.delete();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
