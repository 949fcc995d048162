package org.backpack4j.samediff;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.dataset.ModelRecipe;
import org.backpack4j.samediff.internal.dataset.Subsample;
import org.backpack4j.samediff.internal.evaluate.EmptyBatch;
import org.backpack4j.samediff.internal.evaluate.FeedCheck;
import org.backpack4j.samediff.internal.evaluate.GraphTable;
import org.backpack4j.samediff.internal.evaluate.IndexBounds;
import org.backpack4j.samediff.internal.evaluate.LossParts;
import org.backpack4j.samediff.internal.evaluate.ResultMemory;
import org.backpack4j.samediff.internal.evaluate.SamplePortions;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.run.MemoryLimit;
import org.backpack4j.samediff.internal.extend.Choices;
import org.backpack4j.samediff.internal.extend.ExtensionResult;
import org.backpack4j.samediff.internal.extend.Noise;
import org.backpack4j.samediff.internal.extend.Outputs;
import org.backpack4j.samediff.internal.extend.Quantities;
import org.backpack4j.samediff.internal.extend.Request;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.KernelCall;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph that computes per-sample gradients and curvature beside everything else. It shares its
 * parameters' arrays with the graph that it was made from: training that is seen by the next
 * evaluation.
 *
 * <p>{@link #output} evaluates it by a planned execution; {@link #sameDiff()} is the graph itself,
 * for SameDiff's own {@code output} and {@code save}. Any number of threads may evaluate one
 * extended graph at once. Results belong to the caller. A batch without a sample has zeros for what
 * is summed over samples (the variance too) and empty arrays for what there is of each sample, if
 * the losses are sums over samples; means are refused. {@link #close()} frees the memory that the
 * planned execution keeps between evaluations.
 */
public final class ExtendedGraph implements AutoCloseable {
  private final Supplier<@Nullable SameDiff> source;
  private final UnaryOperator<String> places;
  private final SameDiff graph;
  private final Annotations annotations;
  private final IndexBounds bounds;
  private final Map<Node, Rule> rules;
  private final Outputs outputs;
  private final Quantities quantities;
  private final List<String> faults;
  private final Choices choices;
  private final ResultMemory results;
  private final ExecutionOptions options;
  private final PlannedGraph planned;

  ExtendedGraph(Request request, ExtensionResult result) {
    this.source = request.held();
    this.places = request.places();
    this.graph = result.graph();
    this.annotations = result.annotations();
    this.bounds = IndexBounds.of(annotations);
    this.rules = result.rules();
    this.outputs = result.outputs();
    this.quantities = result.quantities();
    this.faults = result.faults();
    this.choices = Choices.of(request, result);
    this.results = new ResultMemory(outputs);
    this.options =
        ExecutionOptions.defaults()
            .withFusions(fusions(result.emit()))
            .withPortions(SamplePortions.of(graph, annotations, rules, outputs.seeds()))
            .withBudget(ExecutionOptions.Budget.of(request.memoryBudget()))
            .withProgress(request.progress());
    this.planned = new PlannedGraph(graph, options);
  }

  /** How the graph is executed. */
  ExecutionOptions options() {
    return options;
  }

  /** Another execution of the same graph. */
  PlannedGraph planned(ExecutionOptions other) {
    return new PlannedGraph(graph, other);
  }

  /** What the planned execution may compute by a kernel: where the value is still in the graph. */
  private static List<ExecutionOptions.Fusion> fusions(Emitter emit) {
    SameDiff graph = emit.graph();
    List<ExecutionOptions.Fusion> fusions = new ArrayList<>();
    for (KernelCall fusion : emit.fusions()) {
      List<String> inputs = fusion.inputs().stream().map(Tensor::name).toList();
      String output = fusion.output().name();
      if (graph.hasVariable(output) && inputs.stream().allMatch(graph::hasVariable)) {
        List<Long> arguments = Arrays.stream(fusion.arguments()).boxed().toList();
        fusions.add(new ExecutionOptions.Fusion(fusion.kernel(), inputs, output, arguments));
      }
    }
    return fusions;
  }

  /**
   * The extended graph as plain SameDiff: {@code output} computes any of {@link #outputNames()},
   * {@code save} writes a graph that runs without this library. Don't change it.
   *
   * @return the graph
   */
  public SameDiff sameDiff() {
    return graph;
  }

  /**
   * The extended graph as a SameDiff graph of the caller's own, to build on: what is made of its
   * quantities can be a loss, and be differentiated, extended and trained in its turn. It shares
   * the parameters' arrays; its loss variables are those of the extended graph until others are
   * set.
   *
   * @param prefix what the names of the quantities, and of the placeholders that they read beside
   *     the graph's own, begin with there: {@code first.} makes {@code first.w.grad} of {@code
   *     w.grad}, which then is free for the quantities of the new loss. Random numbers of sampled
   *     quantities, uniform in [0, 1), are to be fed there
   * @return a copy
   * @throws IllegalArgumentException if the prefix is empty, or a name is taken
   */
  public SameDiff toSameDiff(String prefix) {
    if (prefix.isEmpty()) {
      throw new IllegalArgumentException("A prefix is needed, that tells names apart.");
    }
    SameDiff copy = GraphCopy.of(graph);
    List<String> names = new ArrayList<>(outputs.names());
    names.addAll(annotations.emit().placeholders());
    if (outputs.noise() != null) {
      names.add(Noise.PLACEHOLDER);
    }
    for (String name : names) {
      if (copy.hasVariable(prefix + name)) {
        throw Emitter.taken(prefix + name);
      }
    }
    names.forEach(name -> copy.getVariable(name).rename(prefix + name));
    return copy;
  }

  /**
   * Evaluates variables of the graph.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names any variables: quantities, the loss, predictions
   * @return a new array for each name, in that order
   * @throws IllegalArgumentException if a name is unknown, or a feed is missing or does not fit its
   *     placeholder
   */
  public Map<String, INDArray> output(Map<String, INDArray> feeds, String... names) {
    return output(feeds, Arrays.asList(names));
  }

  /**
   * Evaluates variables of the graph.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names any variables: quantities, the loss, predictions
   * @return a new array for each name, in that order
   * @throws IllegalArgumentException if a name is unknown, a feed is missing or does not fit its
   *     placeholder, there is no room for the results or for what it works in, or there is no
   *     sample and a name is not defined then
   */
  public Map<String, INDArray> output(Map<String, INDArray> feeds, Collection<String> names) {
    FeedCheck.check(annotations, graph, feeds, names);
    if (FeedCheck.isEmpty(annotations, feeds)) {
      return emptyBatch().output(names);
    }
    bounds.check(feeds);
    results.check(names, () -> FeedCheck.samples(annotations, feeds), MemoryLimit.ofProcess());
    return planned.output(withNoise(feeds), names);
  }

  /**
   * Evaluates variables of the graph into arrays at hand.
   *
   * @param feeds an array for each placeholder that is needed
   * @param into for each variable the array to write to, of its shape and type
   * @return {@code into}
   * @throws java.util.concurrent.CancellationException if the thread is interrupted between two
   *     groups of samples (see {@link BackPack.Builder#memoryBudget}); then some arrays may have
   *     been written to
   */
  public Map<String, INDArray> output(Map<String, INDArray> feeds, Map<String, INDArray> into) {
    FeedCheck.check(annotations, graph, feeds, into.keySet());
    if (FeedCheck.isEmpty(annotations, feeds)) {
      return emptyBatch().output(into);
    }
    bounds.check(feeds);
    return planned.output(withNoise(feeds), into);
  }

  /**
   * Evaluates variables of the graph, some of them into arrays at hand.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names any variables: quantities, the loss, predictions
   * @param into for some of the variables the array to write to, of its shape and type; no feed or
   *     parameter may share memory with it
   * @return for each name the array at hand, or a new one, in the order of the names
   * @throws IllegalArgumentException if a name is unknown, an array is none of the names', a feed
   *     is missing or does not fit its placeholder, there is no room for the results or for what it
   *     works in, or there is no sample and a name is not defined then
   */
  public Map<String, INDArray> output(
      Map<String, INDArray> feeds, Collection<String> names, Map<String, INDArray> into) {
    if (!names.containsAll(into.keySet())) {
      throw new IllegalArgumentException(
          "There are arrays for " + into.keySet() + ", and what is asked for is " + names + ".");
    }
    FeedCheck.check(annotations, graph, feeds, names);
    if (FeedCheck.isEmpty(annotations, feeds)) {
      Map<String, INDArray> made = emptyBatch().output(names);
      Map<String, INDArray> all = new LinkedHashMap<>(made);
      into.forEach((name, array) -> all.put(name, array.assign(made.get(name))));
      return all;
    }
    bounds.check(feeds);
    List<String> made = names.stream().filter(name -> !into.containsKey(name)).toList();
    results.check(made, () -> FeedCheck.samples(annotations, feeds), MemoryLimit.ofProcess());
    return planned.output(withNoise(feeds), names, into);
  }

  /**
   * Evaluates variables of the graph, and hands each to a hook as soon as it is there, BackPACK's
   * {@code extension_hook}. What a hook has seen is not kept: so much memory is needed as for the
   * largest of them, not for all together.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names any variables: quantities, the loss, predictions
   * @param hook is given the name and the value of each, once, in the order in which they are
   *     computed. The array is closed when the hook returns: it keeps a {@code dup()}, or what it
   *     made of it. What it throws ends the evaluation
   * @throws IllegalArgumentException if a name is unknown, a feed is missing or does not fit its
   *     placeholder, there is no room for one of the results or for what it works in, or there is
   *     no sample and a name is not defined then
   */
  public void output(
      Map<String, INDArray> feeds, Collection<String> names, BiConsumer<String, INDArray> hook) {
    FeedCheck.check(annotations, graph, feeds, names);
    if (FeedCheck.isEmpty(annotations, feeds)) {
      emptyBatch().output(names).forEach(hook);
      return;
    }
    bounds.check(feeds);
    for (String name : names) {
      results.check(
          List.of(name), () -> FeedCheck.samples(annotations, feeds), MemoryLimit.ofProcess());
    }
    planned.output(withNoise(feeds), names, hook);
  }

  /**
   * The memory that an evaluation will take. Nothing is evaluated.
   *
   * @param feeds an array for each placeholder that is needed; only their shapes matter
   * @param names any variables: quantities, the loss, predictions
   * @return the bytes of the quantities among them, and those to work in, which are the fewest that
   *     the memory budget asks for
   * @throws IllegalArgumentException if a name is unknown, or a feed is missing or does not fit its
   *     placeholder
   */
  public MemoryUse memory(Map<String, INDArray> feeds, Collection<String> names) {
    FeedCheck.check(annotations, graph, feeds, names);
    LongSupplier samples = () -> FeedCheck.samples(annotations, feeds);
    if (FeedCheck.isEmpty(annotations, feeds)) {
      return new MemoryUse(results.bytes(names, samples), 0);
    }
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    Noise noise = outputs.noise();
    if (noise != null) {
      DataType type = graph.getVariable(Noise.PLACEHOLDER).dataType();
      all.putIfAbsent(Noise.PLACEHOLDER, Nd4j.create(type, samples.getAsLong(), noise.width()));
    }
    return new MemoryUse(results.bytes(names, samples), planned.bytes(all, names));
  }

  private EmptyBatch emptyBatch() {
    return new EmptyBatch(
        graph, annotations, outputs, quantities.extensions(), graph.getLossVariables());
  }

  /** The feeds, with the next random numbers where the graph has sampled quantities. */
  private Map<String, INDArray> withNoise(Map<String, INDArray> feeds) {
    Noise noise = outputs.noise();
    if (noise == null || feeds.containsKey(Noise.PLACEHOLDER)) {
      return feeds;
    }
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    DataType type = graph.getVariable(Noise.PLACEHOLDER).dataType();
    all.put(Noise.PLACEHOLDER, noise.next(FeedCheck.samples(annotations, feeds), type));
    return all;
  }

  /**
   * Evaluates variables for a data set, mapped to placeholders as the graph's training
   * configuration says.
   *
   * @param data features and labels
   * @param names any variables; all quantities if none is given
   * @return a new array for each name, in that order
   * @throws IllegalStateException if the graph that was extended has no training configuration
   */
  public Map<String, INDArray> output(DataSet data, String... names) {
    return output(data.toMultiDataSet(), names);
  }

  /**
   * Evaluates variables for a data set, mapped to placeholders as the graph's training
   * configuration says.
   *
   * @param data features and labels
   * @param names any variables; all quantities if none is given
   * @return a new array for each name, in that order
   * @throws IllegalStateException if the graph that was extended has no training configuration
   */
  public Map<String, INDArray> output(MultiDataSet data, String... names) {
    return output(feeds(data), names.length == 0 ? outputNames() : Arrays.asList(names));
  }

  /**
   * A data set as the graph wants it, mapped to placeholders as the graph's training configuration
   * says.
   *
   * @param data features and labels
   * @return an array for each placeholder that is mapped
   * @throws IllegalStateException if the graph that was extended has no training configuration
   */
  public Map<String, INDArray> feeds(MultiDataSet data) {
    SameDiff trained = source.get();
    TrainingConfig config = trained == null ? null : trained.getTrainingConfig();
    if (config == null) {
      throw new IllegalStateException(
          "The graph has no training configuration that maps features and labels to placeholders:"
              + " sd.setTrainingConfig(…), or output(feeds, …).");
    }
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feed(feeds, config.getDataSetFeatureMapping(), data.getFeatures());
    feed(feeds, config.getDataSetLabelMapping(), data.getLabels());
    feed(feeds, config.getDataSetFeatureMaskMapping(), data.getFeaturesMaskArrays());
    feed(feeds, config.getDataSetLabelMaskMapping(), data.getLabelsMaskArrays());
    return feeds;
  }

  private static void feed(
      Map<String, INDArray> feeds,
      @Nullable List<String> placeholders,
      INDArray @Nullable [] arrays) {
    if (placeholders == null || arrays == null) {
      return;
    }
    for (int k = 0; k < Math.min(placeholders.size(), arrays.length); k++) {
      if (arrays[k] != null) {
        feeds.put(placeholders.get(k), arrays[k]);
      }
    }
  }

  /**
   * Where the placeholders have their samples.
   *
   * @return for each placeholder with a sample axis that axis
   */
  public Map<String, Integer> sampleAxes() {
    Map<String, Integer> axes = new LinkedHashMap<>();
    for (String input : graph.inputs()) {
      BatchAxis place = annotations.knownPlacement(input);
      if (place != null && place.hasSamples()) {
        axes.put(input, place.axis());
      } else if (place == null && annotations.emit().sampleAxis(input) >= 0) {
        axes.put(input, annotations.emit().sampleAxis(input)); // an extension's own
      }
    }
    return axes;
  }

  /**
   * The random numbers that sampled quantities take, of samples of a sequence: each sample's depend
   * on its place in the sequence alone, so that results do not depend on how it is cut into
   * batches. Added to the feeds, they stand in the place of those that an evaluation draws itself.
   *
   * @param first the place of the first sample
   * @param samples how many there are
   * @return what to add to the feeds; nothing if no quantity is sampled
   */
  public Map<String, INDArray> randomNumbers(long first, long samples) {
    Noise noise = outputs.noise();
    if (noise == null) {
      return Map.of();
    }
    DataType type = graph.getVariable(Noise.PLACEHOLDER).dataType();
    return Map.of(Noise.PLACEHOLDER, noise.ofSamples(first, samples, type));
  }

  /**
   * What the losses divide by, so that the quantities of batches can be combined.
   *
   * @return the weights of batches
   * @throws UnsupportedGraphException if the losses of batches do not make that of all their
   *     samples: samples influence each other, a loss is no sum or mean over samples, or several
   *     divide by different things
   */
  public BatchWeights batchWeights() {
    return new LossParts(annotations, rules, places, graph.getLossVariables());
  }

  /**
   * What another Java machine needs to make the same extended graph, parameters as they are now.
   *
   * @return the recipe, serialisable if the extensions and rules are
   * @throws IllegalArgumentException if ND4J cannot save the graph that was extended; it names the
   *     ops
   * @throws IllegalStateException if that graph is gone
   */
  public GraphRecipe recipe() {
    SameDiff extended = source.get();
    if (extended == null) {
      throw new IllegalStateException("The graph that was extended is gone.");
    }
    return new ModelRecipe(extended, choices, this);
  }

  /**
   * The extensions that the graph was extended by.
   *
   * @return the extensions
   */
  public List<Extension> extensions() {
    return quantities.extensions();
  }

  /**
   * Evaluates every quantity.
   *
   * @param feeds an array for each placeholder that is needed
   * @return the quantities, by parameter and extension
   */
  public QuantityResults evaluate(Map<String, INDArray> feeds) {
    return results(output(feeds, outputNames()));
  }

  /**
   * Quantities that were evaluated, by parameter and extension.
   *
   * @param evaluated some or all of the graph's outputs, by name, as {@link #output} answers them
   * @return the quantities
   */
  public QuantityResults results(Map<String, INDArray> evaluated) {
    return new QuantityResults(evaluated, quantities.extensions(), Map.of(), outputs.outputAxes());
  }

  /**
   * Evaluates the quantities of some of a batch's samples, BackPACK's {@code subsampling}: sums go
   * over these samples alone, and what there is of each sample is theirs, in the scale of the whole
   * batch: of a mean loss over N samples each one's part is 1/N, however many are chosen. Only the
   * chosen samples are worked through. Kronecker factors of inputs, means themselves, and variances
   * are over the chosen ones. The gradient of the batch is not among them.
   *
   * @param feeds an array for each placeholder that is needed, of the whole batch
   * @param samples the numbers of the chosen samples, from 0 on; the results have their order
   * @return the extensions' quantities
   * @throws IllegalArgumentException if no sample is chosen, one does not exist or is chosen twice,
   *     or an extension does not say how it scales ({@link Extension#combination})
   * @throws UnsupportedGraphException if samples influence each other, or the loss is no sum or
   *     mean over samples
   */
  public QuantityResults evaluate(Map<String, INDArray> feeds, int... samples) {
    return new Subsample(this, feeds, samples).results();
  }

  /**
   * The names of all quantities.
   *
   * @return the names, {@code <parameter>.grad} and {@code <parameter>.<field>}
   */
  public List<String> outputNames() {
    return outputs.names();
  }

  /**
   * The quantities of a parameter.
   *
   * @param parameter the parameter's name
   * @return their names by field
   */
  public Map<String, String> outputsOf(String parameter) {
    Map<String, Tensor> fields = outputs.byParameter().get(parameter);
    if (fields == null) {
      throw new IllegalArgumentException(
          "\""
              + parameter
              + "\" is no parameter of the extension; they are "
              + outputs.byParameter().keySet()
              + ".");
    }
    Map<String, String> names = new LinkedHashMap<>();
    fields.keySet().forEach(f -> names.put(f, Outputs.name(parameter, f)));
    return names;
  }

  /**
   * One extension's quantities.
   *
   * @param extension the extension
   * @return their names by parameter
   */
  public Map<String, String> outputsOf(Extension extension) {
    Map<String, String> names = new LinkedHashMap<>();
    outputs
        .byParameter()
        .forEach(
            (p, fields) -> {
              if (fields.containsKey(extension.field())) {
                names.put(p, Outputs.name(p, extension.field()));
              }
            });
    return names;
  }

  /**
   * Whose the quantities are: parameters, variables that were asked for, predictions.
   *
   * @return their names; an empty one stands for results of all parameters together
   */
  public List<String> owners() {
    return List.copyOf(outputs.byParameter().keySet());
  }

  /**
   * The parameters that have quantities.
   *
   * @return their names, in the order of the graph
   */
  public List<String> parameters() {
    return outputs.byParameter().keySet().stream()
        .filter(name -> graph.hasVariable(name))
        .filter(name -> graph.getVariable(name).getVariableType() == VariableType.VARIABLE)
        .toList();
  }

  /**
   * The number of samples in a batch.
   *
   * @param feeds the batch, an array for each placeholder with a sample axis at least
   * @return N
   * @throws IllegalArgumentException if nothing with a sample axis is fed, or a feed does not fit
   */
  public long samples(Map<String, INDArray> feeds) {
    FeedCheck.check(annotations, graph, feeds, List.of());
    return FeedCheck.samples(annotations, feeds);
  }

  /**
   * The predictions that second-order quantities, Jacobians and products start at or end in: what
   * the losses compare with labels, or what {@link BackPack.Builder#predictions} named.
   *
   * @return the names of variables; none if nothing of the kind was asked for
   */
  public List<String> predictions() {
    return quantities.predictions();
  }

  /**
   * The shape of a quantity.
   *
   * @param name the output's name
   * @return the shape, −1 standing for the number of samples
   */
  public long[] shape(String name) {
    for (Map.Entry<String, Map<String, Tensor>> parameter : outputs.byParameter().entrySet()) {
      for (Map.Entry<String, Tensor> field : parameter.getValue().entrySet()) {
        if (Outputs.name(parameter.getKey(), field.getKey()).equals(name)) {
          return field.getValue().dims().toLongs();
        }
      }
    }
    throw new IllegalArgumentException(
        "\"" + name + "\" is no quantity; they are " + outputNames() + ".");
  }

  /**
   * Which axes of a weight are the rows of a Kronecker factor of its outputs, such as {@code
   * w.kfac.B}; those of the factor of its inputs are all others.
   *
   * @param name the output's name
   * @return the axes, ascending; empty if the output is no such factor
   */
  public Optional<List<Integer>> outputAxes(String name) {
    return Optional.ofNullable(outputs.outputAxes().get(name));
  }

  /**
   * What was left out of a lenient extension, and why.
   *
   * @return the refusals; none if everything is there
   */
  public List<Refusal> refusals() {
    return List.copyOf(quantities.refusals());
  }

  /**
   * What is to be known of the quantities.
   *
   * @return a sentence for each loss whose second-order quantities start at the probabilities of a
   *     softmax or sigmoid, not in front of it, though nobody named them by {@link
   *     BackPack.Builder#predictions}; for each parameter whose quantities are zero whatever is
   *     fed, since the losses depend on its shape alone, or on what was rounded or compared; and
   *     one for the parameters that the losses do not depend on
   */
  public List<String> notes() {
    return List.copyOf(quantities.notes());
  }

  /**
   * What ND4J 1.0.0-M2.1 computes wrongly in the graph that was extended, when SameDiff evaluates,
   * differentiates, trains or saves that graph itself. This graph, and the quantities, are right.
   * What harms whoever evaluates the graph is a warning in the log, too, once for the same nodes;
   * so is what is wrong in gradients alone, if the graph has a training configuration or SameDiff
   * has differentiated it.
   *
   * @return a line for each node: its name, what goes wrong, and what to do
   */
  public List<String> faults() {
    return List.copyOf(faults);
  }

  /**
   * The graph as a table: each op with its name, its inputs, the rule that serves it, and the
   * quantities of the parameters that it reads.
   *
   * @return text with a line for each op, as PyTorch's {@code print_tabular}
   */
  public String table() {
    return GraphTable.text(rows());
  }

  /**
   * The rows of {@link #table()}.
   *
   * @return a row for each op, in the order of their evaluation
   */
  public List<GraphRow> rows() {
    return GraphTable.rows(annotations, rules, new TreeMap<>(outputs.byParameter()));
  }

  @Override
  public String toString() {
    return table();
  }

  @Override
  public void close() {
    planned.close();
  }
}
