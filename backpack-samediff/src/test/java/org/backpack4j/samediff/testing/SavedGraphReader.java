package org.backpack4j.samediff.testing;

import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.SavedGraphTest;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A program that has ND4J and not this library: it loads a graph and feeds, evaluates an output
 * twice in default settings, and writes both results. Run by {@link SavedGraphTest}.
 */
public final class SavedGraphReader {
  private SavedGraphReader() {}

  /**
   * Reads and evaluates.
   *
   * @param args the folder with {@code graph.fb}, {@code <placeholder>.npy} in feeds, and the
   *     outputs
   */
  public static void main(String[] args) throws Exception {
    try {
      Class.forName("org.backpack4j.samediff.BackPack");
      throw new IllegalStateException("the library is on the class path");
    } catch (ClassNotFoundException expected) {
      // as it should be
    }
    File folder = new File(args[0]);
    SameDiff sd = SameDiff.load(new File(folder, "graph.fb"), true);
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    for (File file : new File(folder, "feeds").listFiles()) {
      INDArray feed = Nd4j.createFromNpyFile(file);
      feeds.put(file.getName().replace(".npy", ""), feed.dup('f'));
    }
    String[] names = java.util.Arrays.copyOfRange(args, 1, args.length);
    for (int k = 1; k <= 2; k++) {
      Map<String, INDArray> out = sd.output(feeds, names);
      for (String name : names) {
        Nd4j.writeAsNumpy(out.get(name).dup('c'), new File(folder, name + "." + k + ".npy"));
      }
    }
  }
}
