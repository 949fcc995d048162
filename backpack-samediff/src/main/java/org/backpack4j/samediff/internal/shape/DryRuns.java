package org.backpack4j.samediff.internal.shape;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.backpack4j.samediff.internal.interpret.DynamicShapes;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.interpret.SlidingWindows;
import org.backpack4j.samediff.internal.ir.GraphProblem;
import org.backpack4j.samediff.internal.ir.GraphProblemException;
import org.backpack4j.samediff.internal.rewrite.InputReshapes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Two runs of a graph with different numbers of samples. Where they fail, or the shapes that they
 * find do not go together, says which placeholder or op is the cause, instead of the native op's
 * message, which is of an op that may have nothing to do with it.
 */
final class DryRuns {
  /** Ops that say the extents of their results themselves, so that a number of samples may be. */
  private static final Set<String> WRITE_EXTENTS =
      Set.of(
          "broadcast_to",
          "create_view",
          "gather",
          "gather_nd",
          "pad",
          "reshape",
          "slice",
          "split",
          "split_v",
          "strided_slice",
          "tile",
          "unstack");

  /** Ops whose results have as many entries as the values that they read say. */
  private static final Pattern BY_VALUES =
      Pattern.compile(
          "segment_.*|boolean_mask|unique.*|listdiff|dynamic_partition|dynamic_stitch|choose|range"
              + "|non_max_suppression.*|sequence_mask|bincount|[wW]here(_np)?");

  private static final Pattern DECIDED_BY_SECOND =
      Pattern.compile("segment_.*|boolean_mask|dynamic_partition");

  private static final String WRITE_OPEN =
      "write −1 where the number of samples stands, as in reshape(−1, 48), or take it from the"
          + " input's shape, and name the axis of every placeholder that has samples by"
          + " sampleAxis(placeholder, axis)";

  private static final String DECLARE =
      "declare the shape that is fed, with −1 for the number of samples, as in [−1, 1]; the ops"
          + " before must not have the number of samples in them, either";

  private final SameDiff graph;
  private final Collection<String> targets;
  private final List<SameDiffOp> order;
  private final Map<String, SameDiffOp> producers = new HashMap<>();

  /** The variables that depend on a placeholder with samples. */
  private final Set<String> sampled = new HashSet<>();

  private final Map<Integer, Map<String, long[]>> shapes = new LinkedHashMap<>();
  private @Nullable RuntimeException failure;
  private int failed;

  DryRuns(SameDiff graph, Collection<String> targets, Collection<String> placeholders) {
    this.graph = graph;
    this.targets = targets;
    this.order = ReferenceInterpreter.order(graph, targets);
    sampled.addAll(placeholders);
    for (SameDiffOp op : order) {
      op.getOutputsOfOp().forEach(o -> producers.put(o, op));
      if (inputs(op).stream().anyMatch(sampled::contains)) {
        sampled.addAll(op.getOutputsOfOp());
      }
    }
  }

  /**
   * Runs the graph; what fails is told by {@link #dims}.
   *
   * @param settles the ops whose results depend on the number of samples alone
   */
  void run(
      Map<String, INDArray> feeds,
      int samples,
      Predicate<SameDiffOp> settles,
      ReferenceInterpreter.Visitor visitor) {
    Map<String, long[]> found = new LinkedHashMap<>();
    feeds.forEach((name, array) -> found.put(name, array.shape()));
    shapes.put(samples, found);
    SameDiffOp broken = failure == null ? null : broken();
    try {
      ReferenceInterpreter.dryRun(
          graph,
          feeds,
          broken == null ? targets : inputs(broken), // the native op need not complain again
          op -> !settles.test(op) && !DynamicShapes.has(op.getOp()),
          (op, inputs, outputs) -> {
            for (int k = 0; k < inputs.size(); k++) {
              found.put(inputs(op).get(k), inputs.get(k).shape());
            }
            for (int k = 0; k < outputs.size(); k++) {
              found.put(op.getOutputsOfOp().get(k), outputs.get(k).shape());
            }
            visitor.computed(op, inputs, outputs);
          });
    } catch (UnsupportedOperationException
        | CancellationException
        | SlidingWindows.NoWindowException e) {
      throw e; // which says what is the matter
    } catch (RuntimeException e) {
      if (failure == null) {
        failure = e;
        failed = samples;
        if (broken() == null) {
          throw e; // no op failed
        }
      }
    }
  }

  /** Every variable's shape, with the number of samples N. */
  Map<String, Dims> dims() {
    if (failure != null) {
      throw explained(failure);
    }
    Map<String, Dims> dims = new LinkedHashMap<>();
    List<GraphProblem> found = new ArrayList<>();
    Set<String> lost = new HashSet<>();
    for (String name : shapes(GraphShapes.FEW).keySet()) {
      SameDiffOp producer = producers.get(name);
      if (producer != null && inputs(producer).stream().anyMatch(lost::contains)) {
        lost.add(name); // a consequence
        continue;
      }
      List<Dim> extents = new ArrayList<>();
      GraphProblem hindrance = compare(name, extents);
      if (hindrance == null) {
        dims.put(name, new Dims(extents));
      } else {
        lost.add(name);
        found.add(hindrance);
      }
    }
    if (!found.isEmpty()) {
      throw new GraphProblemException(found, null);
    }
    return dims;
  }

  private Map<String, long[]> shapes(int samples) {
    return Objects.requireNonNull(shapes.get(samples));
  }

  private static List<String> inputs(SameDiffOp op) {
    return op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
  }

  // ---- shapes that do not go together ----

  private @Nullable GraphProblem compare(String name, List<Dim> dims) {
    long[] few = Objects.requireNonNull(shapes(GraphShapes.FEW).get(name));
    long[] more = shapes(GraphShapes.MORE).get(name);
    if (more == null || few.length != more.length) {
      return disproportionate(name, "its rank depends on the number of samples");
    }
    for (int k = 0; k < few.length; k++) {
      if (few[k] == more[k]) {
        dims.add(Dim.of(few[k]));
      } else if (few[k] * GraphShapes.MORE == more[k] * GraphShapes.FEW) {
        dims.add(new Dim(few[k] / GraphShapes.FEW, true));
      } else {
        return disproportionate(
            name,
            "its axis "
                + k
                + " has the extent "
                + few[k]
                + " for "
                + GraphShapes.FEW
                + " samples and "
                + more[k]
                + " for "
                + GraphShapes.MORE
                + ": only extents in proportion to the number of samples are supported");
      }
    }
    if (dims.stream().filter(Dim::samples).count() > 1) {
      return new GraphProblem(
          where(name),
          "it has the shape " + dims + ": more than one axis grows with the number of samples N",
          "put the samples on an axis of their own, as in [N, T, F], so that none meets another");
    }
    return null;
  }

  private GraphProblem disproportionate(String name, String reason) {
    SameDiffOp producer = producers.get(name);
    List<GraphProblem> byValues = producer == null ? List.of() : byValues(ancestors(producer));
    return byValues.isEmpty() ? new GraphProblem(where(name), reason, WRITE_OPEN) : byValues.get(0);
  }

  // ---- ops that fail ----

  private RuntimeException explained(RuntimeException e) {
    SameDiffOp broken = Objects.requireNonNull(broken());
    if (inputs(broken).stream().anyMatch(i -> shape(i) == null)
        || ancestors(broken).stream()
            .flatMap(op -> inputs(op).stream())
            .allMatch(i -> !placeholder(i))) {
      return e; // it has nothing to do with what is fed
    }
    List<SameDiffOp> before = ancestors(broken);
    List<GraphProblem> found = byValues(before);
    if (found.isEmpty()) {
      found = new ArrayList<>(withoutSamples(broken));
      before.stream()
          .filter(op -> writesSamples(op, broken))
          .map(this::fixedIn)
          .forEach(found::add);
    }
    if (found.isEmpty()) {
      found = declared(broken);
    }
    if (found.isEmpty()) {
      found =
          List.of(
              new GraphProblem(
                  where(broken),
                  fails(broken),
                  "let no extent of the graph be the number of samples: "
                      + WRITE_OPEN
                      + "; let constants and parameters have the extent 1 there"));
    }
    return new GraphProblemException(found, e);
  }

  /** The op that failed: the first that has computed nothing. */
  private @Nullable SameDiffOp broken() {
    Map<String, long[]> known = shapes(failed);
    return order.stream()
        .filter(op -> op.getOutputsOfOp().stream().anyMatch(o -> !known.containsKey(o)))
        .findFirst()
        .orElse(null);
  }

  /** What an op depends on, itself included, in order. */
  private List<SameDiffOp> ancestors(SameDiffOp op) {
    Set<SameDiffOp> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    needed.add(op);
    for (int k = order.size() - 1; k >= 0; k--) {
      if (needed.contains(order.get(k))) {
        inputs(order.get(k)).stream()
            .map(producers::get)
            .filter(Objects::nonNull)
            .forEach(needed::add);
      }
    }
    return order.stream().filter(needed::contains).toList();
  }

  private boolean placeholder(String name) {
    return graph.getVariable(name).isPlaceHolder();
  }

  private List<GraphProblem> byValues(List<SameDiffOp> ops) {
    return ops.stream()
        .filter(op -> BY_VALUES.matcher(op.getOp().opName()).matches())
        .filter(op -> !op.getOp().opName().matches("[wW]here") || inputs(op).size() == 1)
        .map(op -> byValues(op, fed(deciding(op))))
        .filter(Objects::nonNull)
        .toList();
  }

  private @Nullable GraphProblem byValues(SameDiffOp op, List<String> fed) {
    return fed.isEmpty()
        ? null
        : new GraphProblem(
            where(op),
            "its extents depend on the values that are fed ("
                + String.join(", ", fed)
                + "), not on the number of samples alone",
            "let each sample have a fixed number of entries, padded, and multiply them with a mask"
                + " that is fed, so that every placeholder has the number of samples, −1, on one"
                + " axis");
  }

  /** The inputs whose values say how many entries the results have. */
  private static List<String> deciding(SameDiffOp op) {
    return DECIDED_BY_SECOND.matcher(op.getOp().opName()).matches()
        ? List.of(inputs(op).get(1))
        : inputs(op);
  }

  /** The placeholders that variables depend on. */
  private List<String> fed(Collection<String> variables) {
    Set<String> fed = new LinkedHashSet<>();
    for (String variable : variables) {
      SameDiffOp producer = producers.get(variable);
      if (producer == null) {
        fed.add(variable);
      } else {
        ancestors(producer).forEach(op -> fed.addAll(inputs(op)));
      }
    }
    return fed.stream().filter(this::placeholder).map(name -> "\"" + name + "\"").toList();
  }

  /** Placeholders of a fixed shape that meet samples in an op which fails. */
  private List<GraphProblem> withoutSamples(SameDiffOp broken) {
    Set<String> fixed = new LinkedHashSet<>();
    if (inputs(broken).stream().anyMatch(sampled::contains)) {
      for (String input : inputs(broken)) {
        if (!sampled.contains(input)) {
          SameDiffOp producer = producers.get(input);
          List<SameDiffOp> before = producer == null ? List.of() : ancestors(producer);
          before.stream().flatMap(op -> inputs(op).stream()).forEach(fixed::add);
          fixed.add(input);
        }
      }
    }
    return fixed.stream()
        .filter(name -> placeholder(name) && graph.getVariable(name).placeholderShape().length > 0)
        .map(
            name ->
                new GraphProblem(
                    "the placeholder \"" + name + "\"",
                    "it has no sample axis, and "
                        + where(broken)
                        + " takes it with samples: "
                        + fails(broken),
                    "name its axis by sampleAxis(\""
                        + name
                        + "\", 0), or declare it with −1 for the number of samples"))
        .toList();
  }

  /**
   * Placeholders that an op which fails reads beside what has samples, and nothing else: they are
   * declared with another shape than SameDiff is fed, which does not look at it.
   */
  private List<GraphProblem> declared(SameDiffOp broken) {
    List<String> read =
        inputs(broken).stream()
            .filter(i -> placeholder(entrance(i)) || !"[]".equals(Arrays.toString(shape(i))))
            .toList();
    if (!read.stream().allMatch(i -> placeholder(entrance(i)) || sampled.contains(i))) {
      return List.of(); // what is fixed may as well be the reason
    }
    return read.stream()
        .map(this::entrance)
        .filter(this::placeholder)
        .map(
            name ->
                new GraphProblem(
                    "the placeholder \"" + name + "\"", misdeclared(name, broken), DECLARE))
        .toList();
  }

  private String misdeclared(String placeholder, SameDiffOp broken) {
    long[] shape = graph.getVariable(placeholder).placeholderShape();
    return (shape == null || shape.length == 0
            ? "it is declared without a shape, which is that of a single number"
            : "it is declared with the shape " + Arrays.toString(shape))
        + ", with which "
        + where(broken)
        + " cannot be computed: "
        + fails(broken);
  }

  private String fails(SameDiffOp broken) {
    return "for "
        + failed
        + " samples it cannot be computed from "
        + inputs(broken).stream()
            .filter(i -> !"[]".equals(Arrays.toString(shape(i))))
            .map(i -> "\"" + entrance(i) + "\" " + Arrays.toString(shape(i)))
            .collect(Collectors.joining(", "));
  }

  private GraphProblem fixedIn(SameDiffOp op) {
    String input = inputs(op).get(0);
    String result = op.getOutputsOfOp().get(0);
    long[] made = shapes(failed).get(result);
    return new GraphProblem(
        where(op),
        "the number of samples is fixed in it: "
            + (made == null
                ? fails(op)
                : "for "
                    + failed
                    + " samples it makes "
                    + Arrays.toString(made)
                    + " of \""
                    + entrance(input)
                    + "\" "
                    + Arrays.toString(shape(input))),
        WRITE_OPEN);
  }

  /** Whether an op's own arguments put the samples elsewhere, so that another op fails. */
  @SuppressWarnings("ReferenceEquality")
  private boolean writesSamples(SameDiffOp op, SameDiffOp broken) {
    if (!WRITE_EXTENTS.contains(op.getOp().opName())
        || inputs(op).stream().noneMatch(sampled::contains)) {
      return false;
    }
    if (op == broken) {
      return true;
    }
    String input = inputs(op).get(0);
    String result = op.getOutputsOfOp().get(0);
    long before = outer(input);
    long behind = outer(result);
    return before > 0 && (behind < 0 || behind > before);
  }

  /** The extents in front of the axis that grows with the samples, multiplied; −1 if none does. */
  private long outer(String name) {
    long[] few = shapes(GraphShapes.FEW).get(name);
    long[] more = shapes(GraphShapes.MORE).get(name);
    if (few == null || more == null || few.length != more.length) {
      return -1;
    }
    long outer = 1;
    for (int k = 0; k < few.length; k++) {
      if (few[k] != more[k]) {
        return outer;
      }
      outer *= few[k];
    }
    return -1;
  }

  private long @Nullable [] shape(String name) {
    long[] known = shapes(failed).get(name);
    SDVariable variable = graph.getVariable(name);
    INDArray array =
        known != null || producers.containsKey(name)
            ? null
            : graph.getArrForVarName(variable.name());
    return array == null ? known : array.shape();
  }

  /** What a person knows a variable by, if it is read through a reshape of ours. */
  private String entrance(String name) {
    return InputReshapes.behind(graph, name).orElse(name);
  }

  private String where(String name) {
    SameDiffOp producer = producers.get(name);
    return producer == null ? "\"" + name + "\"" : where(producer, name);
  }

  private static String where(SameDiffOp op) {
    return where(op, RandomOps.label(op));
  }

  private static String where(SameDiffOp op, String name) {
    return "\"" + name + "\" (" + op.getOp().opName() + ")";
  }
}
