package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.backpack4j.dl4j.blocks.Block;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * A program may import whole packages: no public class of the packages that people program against
 * has the name of a class of another one, or of a package that a DL4J program imports.
 */
class PublicNamesTest {
  /** A public class of each package of this library that people program against. */
  private static final List<Class<?>> OURS =
      List.of(
          BackPackListener.class,
          Block.class,
          PlannedTraining.class,
          BackPack.class,
          BatchGrad.class,
          Progress.class);

  /** A public class of each package that DL4J's programs import as a whole. */
  private static final List<Class<?>> THEIRS =
      List.of(
          ListDataSetIterator.class,
          MultiLayerConfiguration.class,
          InputType.class,
          DenseLayer.class,
          ComputationGraph.class,
          MultiLayerNetwork.class,
          WeightInit.class,
          ScoreIterationListener.class,
          SameDiff.class,
          Evaluation.class,
          Activation.class,
          DataType.class,
          INDArray.class,
          DataSet.class,
          Nd4j.class,
          NDArrayIndex.class,
          Adam.class,
          LossFunctions.class);

  @Test
  void wholePackagesCanBeImportedTogether() throws Exception {
    Map<String, Set<String>> packages = new TreeMap<>();
    for (Class<?> one : OURS) {
      Set<String> names = publicNames(one);
      assertThat(names).as(one.getPackageName()).contains(one.getSimpleName());
      names.forEach(
          name -> packages.computeIfAbsent(name, n -> new TreeSet<>()).add(one.getPackageName()));
    }
    for (Class<?> one : THEIRS) {
      Set<String> names = publicNames(one);
      assertThat(names).as(one.getPackageName()).contains(one.getSimpleName());
      names.forEach(name -> packages.computeIfPresent(name, (n, places) -> with(places, one)));
    }

    packages.values().removeIf(places -> places.size() == 1);

    assertThat(packages).isEmpty();
  }

  private static Set<String> with(Set<String> places, Class<?> one) {
    places.add(one.getPackageName());
    return places;
  }

  /** The simple names of the public classes of a class's package, where that class comes from. */
  private static Set<String> publicNames(Class<?> one)
      throws IOException, URISyntaxException, ClassNotFoundException {
    URI place = one.getProtectionDomain().getCodeSource().getLocation().toURI();
    String folder = one.getPackageName().replace('.', '/');
    Path path = Path.of(place);
    if (Files.isDirectory(path)) {
      return publicNames(one, path.resolve(folder));
    }
    try (FileSystem jar = FileSystems.newFileSystem(path)) {
      return publicNames(one, jar.getPath(folder));
    }
  }

  private static Set<String> publicNames(Class<?> one, Path folder)
      throws IOException, ClassNotFoundException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (String file : files.map(f -> f.getFileName().toString()).toList()) {
        if (file.endsWith(".class") && !file.contains("$") && !file.contains("-")) {
          String name = file.substring(0, file.length() - ".class".length());
          Class<?> found =
              Class.forName(one.getPackageName() + "." + name, false, one.getClassLoader());
          if (Modifier.isPublic(found.getModifiers())) {
            names.add(name);
          }
        }
      }
    }
    return names;
  }
}
