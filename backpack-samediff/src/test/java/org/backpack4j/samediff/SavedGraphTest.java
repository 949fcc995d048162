package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.backpack4j.samediff.testing.SavedGraphReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

public class SavedGraphTest {

  @Test
  void aProgramWithoutTheLibraryComputesTheSame(@TempDir Path folder) throws Exception {
    SameDiff sd = network();
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(4, 2, 5, 5), "y", Graphs.oneHot(4, 3));
    List<String> names;
    Map<String, INDArray> expected;
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      names = graph.outputNames();
      expected = graph.output(feeds, names);
      graph.sameDiff().save(folder.resolve("graph.fb").toFile(), true);
    }
    Files.createDirectory(folder.resolve("feeds"));
    for (Map.Entry<String, INDArray> feed : feeds.entrySet()) {
      Nd4j.writeAsNumpy(
          feed.getValue(), folder.resolve("feeds/" + feed.getKey() + ".npy").toFile());
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", classPathWithoutTheLibrary(), SavedGraphReader.class.getName()));
    command.add(folder.toString());
    command.addAll(names);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("log"))).isZero();
    for (int k = 1; k <= 2; k++) {
      for (String name : names) {
        INDArray actual = Nd4j.createFromNpyFile(folder.resolve(name + "." + k + ".npy").toFile());
        Checked.compare("evaluation " + k, Map.of(name, expected.get(name)), Map.of(name, actual));
      }
    }
  }

  private static SameDiff network() {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 5, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 3, 2, 2).dup('f'));
    Conv2DConfig config = Conv2DConfig.builder().kH(3).kW(3).dataFormat("NCHW").build();
    SDVariable h =
        sd.nn().relu("h", sd.cnn().conv2d("c", x, w, sd.var("b", Graphs.random(2)), config), 0);
    SDVariable z = h.reshape(-1, 18).mmul("z", sd.var("v", Graphs.random(18, 3).dup('f')));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  private static String classPathWithoutTheLibrary() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !Files.exists(Path.of(entry, "org/backpack4j/samediff/BackPack.class")))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
