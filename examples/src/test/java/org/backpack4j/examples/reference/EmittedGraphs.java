package org.backpack4j.examples.reference;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.examples.benchmark.Problems;
import org.backpack4j.examples.tutorial.CustomResNet;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Writes the extended graphs of the reference cases, of the tutorial's and the benchmark's networks
 * and of a DL4J ResNet-18, with every extension, as text: a file for each, a line for each op and
 * each constant. Two versions of the library that emit the same graphs write the same files, which
 * is how a change that only moves code is told from one that does more: {@code diff -r before
 * after}.
 */
public final class EmittedGraphs {
  private final Path folder;

  private EmittedGraphs(Path folder) {
    this.folder = folder;
  }

  /**
   * Writes the graphs.
   *
   * @param args the folder to write to
   */
  public static void main(String[] args) throws Exception {
    EmittedGraphs graphs = new EmittedGraphs(Files.createDirectories(Path.of(args[0])));
    for (Path folder : CaseFolders.all()) {
      graphs.writeCase(folder);
    }
    for (String problem : Problems.NAMES) {
      graphs.write("problem_" + problem.replace(':', '_'), Problems.of(problem).graph());
    }
    graphs.write("tutorial_custom", CustomResNet.model());
    for (BatchStatistics statistics : BatchStatistics.values()) {
      graphs.write(
          "dl4j_resnet18_" + statistics,
          Dl4jConverter.on(
                  ResNet.builder().depth(18).inputShape(3, 64, 64).numClasses(10).build().init())
              .inputShapes(new long[] {3, 64, 64})
              .statistics(statistics)
              .convert()
              .sameDiff());
    }
  }

  private static Extension[] extensions() {
    return new Extension[] {
      new BatchGrad(),
      new BatchL2Grad(),
      new SumGradSquared(),
      new Variance(),
      new DiagGGNExact(),
      new BatchDiagGGNExact(),
      new DiagGGNMC()
    };
  }

  private void writeCase(Path source) throws IOException {
    SameDiff graph;
    try {
      graph = CaseGraph.of(CaseReader.read(source)).graph();
    } catch (UnsupportedCaseException e) {
      return;
    }
    write("case_" + source.getFileName(), graph);
  }

  private void write(String name, SameDiff model) throws IOException {
    String text;
    try (ExtendedGraph graph = BackPack.on(model).lenient().extend(extensions())) {
      text = text(graph.sameDiff()) + graph.refusals();
    } catch (RuntimeException e) {
      text = e.toString();
    }
    Files.writeString(folder.resolve(name + ".txt"), text + "\n");
  }

  private static String text(SameDiff graph) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(graph.getOps()).values().forEach(op -> text.append(line(op)).append('\n'));
    graph.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.CONSTANT)
        .sorted((a, b) -> a.name().compareTo(b.name()))
        .forEach(v -> text.append(line(v)).append('\n'));
    return text.toString();
  }

  private static String line(SameDiffOp op) {
    String arguments =
        op.getOp() instanceof DynamicCustomOp custom
            ? Arrays.toString(custom.iArgs())
                + Arrays.toString(custom.tArgs())
                + Arrays.toString(custom.bArgs())
                + Arrays.toString(custom.dArgs())
            : String.valueOf(op.getOp().getClass().getSimpleName());
    return list(op.getOutputsOfOp())
        + " = "
        + op.getOp().opName()
        + "("
        + list(op.getInputsToOp())
        + ") "
        + arguments
        + " after "
        + list(op.getControlDeps());
  }

  private static String line(SDVariable constant) {
    INDArray array = constant.getArr();
    return constant.name()
        + " = "
        + Arrays.toString(array.shape())
        + " "
        + array.dataType()
        + " "
        + (array.isEmpty() ? 0 : Arrays.hashCode(array.dup('c').data().asDouble()));
  }

  private static String list(List<String> names) {
    return names == null ? "" : names.stream().collect(Collectors.joining(", "));
  }
}
