package org.backpack4j.samediff;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.MachineMemory;
import org.backpack4j.samediff.internal.extend.Extender;
import org.backpack4j.samediff.internal.extend.Request;
import org.backpack4j.samediff.spi.OpRule;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The way in: {@code ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new
 * DiagGGNExact())}, as BackPACK's {@code model = extend(model)}. The extended graph is a rewritten
 * copy of {@code sd} that shares its parameters' arrays and computes, beside everything that {@code
 * sd} computes, {@code <parameter>.grad} and {@code <parameter>.<field>} for each extension. {@code
 * sd} itself is left as it is, also when the call fails.
 */
public final class BackPack {
  private BackPack() {}

  /**
   * Extends a graph for all of its parameters.
   *
   * @param sd a graph with at least one loss variable
   * @param extensions the quantities
   * @return the extended graph
   * @throws UnsupportedGraphException if a quantity cannot be had; it lists every reason
   * @throws IllegalArgumentException if there is no loss, no sample axis, or a name is taken
   */
  public static ExtendedGraph extend(SameDiff sd, Extension... extensions) {
    return on(sd).extend(extensions);
  }

  /**
   * Extends a graph with choices.
   *
   * @param sd a graph with at least one loss variable
   * @return a builder, whose {@link Builder#extend} extends the graph
   */
  public static Builder on(SameDiff sd) {
    return new Builder(sd);
  }

  /** Choices for an extension. Each call changes and answers the builder. */
  public static final class Builder {
    private final SameDiff sd;
    private final List<Predicate<String>> parameters = new ArrayList<>();
    private final List<String> named = new ArrayList<>();
    private final List<String> without = new ArrayList<>();
    private final List<String> variables = new ArrayList<>();
    private final List<String> predictions = new ArrayList<>();
    private final Set<String> losses = new LinkedHashSet<>();
    private final Map<String, Integer> sampleAxes = new LinkedHashMap<>();
    private final List<OpRule> rules = new ArrayList<>();
    private UnaryOperator<String> places = UnaryOperator.identity();
    private boolean lenient;
    private boolean conversion;
    private boolean weakly;
    private Progress progress = Progress.NONE;
    private long memoryBudget = MachineMemory.budget();

    private Builder(SameDiff sd) {
      this.sd = sd;
    }

    /**
     * Chooses parameters by name.
     *
     * @param names the names of trainable variables
     * @return this builder
     */
    public Builder parameters(String... names) {
      named.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Chooses parameters by a predicate.
     *
     * @param names says for the name of a parameter whether it is chosen
     * @return this builder
     */
    public Builder parameters(Predicate<String> names) {
      parameters.add(names);
      return this;
    }

    /**
     * Leaves parameters out.
     *
     * @param names the names of trainable variables
     * @return this builder
     */
    public Builder without(String... names) {
      without.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Chooses among the graph's loss variables: quantities are of the sum of those that are named.
     * Without, they are of the sum of all.
     *
     * @param names loss variables of the graph
     * @return this builder
     */
    public Builder losses(String... names) {
      losses.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Asks for the quantities of inputs and activations as well, which are named like a
     * parameter's: {@code <variable>.grad} is the derivative of the loss, of the variable's own
     * shape, and what {@code <variable>.<field>} is of a variable with samples is what it would be
     * of a parameter of one sample's shape F that is zero and added to the variable of every
     * sample. So {@link org.backpack4j.samediff.extension.BatchGrad} and {@link
     * org.backpack4j.samediff.extension.Jacobian} are the derivatives by each sample's own input,
     * [N, F…] and [N, V, F…]. Products with vectors and KFRA are of parameters alone.
     *
     * @param names floating-point placeholders, or variables that the graph computes
     * @return this builder
     */
    public Builder variables(String... names) {
      variables.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Names the predictions, for second-order quantities of a loss that is written out of simple
     * ops. The generalised Gauss-Newton matrix is Jᵀ H J with J the Jacobian of the predictions and
     * H the Hessian of the loss with respect to them.
     *
     * @param names variables of the graph, none of which depends on another
     * @return this builder
     */
    public Builder predictions(String... names) {
      predictions.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Names the sample axis of a placeholder. Without, it is axis 0 of every placeholder whose
     * shape begins with −1.
     *
     * @param placeholder the placeholder
     * @param axis its sample axis
     * @return this builder
     */
    public Builder sampleAxis(String placeholder, int axis) {
      sampleAxes.put(placeholder, axis);
      return this;
    }

    /**
     * Registers rules for ops that the library has none for, or in the place of its own.
     *
     * @param registered the rules, one for an op
     * @return this builder
     */
    public Builder rules(OpRule... registered) {
      rules.addAll(Arrays.asList(registered));
      return this;
    }

    /**
     * Leaves out what cannot be had, instead of failing. {@link ExtendedGraph#refusals} tells what
     * and why.
     *
     * @return this builder
     */
    public Builder lenient() {
      lenient = true;
      return this;
    }

    /**
     * Says that the graph was converted from a network that is trained elsewhere. What ND4J itself
     * would compute wrongly in it then concerns nobody, and no warning tells of it.
     *
     * @return this builder
     */
    public Builder conversion() {
      conversion = true;
      return this;
    }

    /**
     * Says what a refusal calls the place of a node, where a person knows it by another name: the
     * layer of a network that the graph was converted from.
     *
     * @param names is given the name of a node's first result, and answers the place's, or the same
     *     name if it knows no other
     * @return this builder
     */
    public Builder places(UnaryOperator<String> names) {
      places = names;
      return this;
    }

    /**
     * Limits the memory that an evaluation works in, results aside. Where the intermediate values
     * of a whole batch need more, samples are worked through in groups, as large as the budget
     * allows; where the columns of a second-order quantity (one for each class, say) need more than
     * a third of it for a single sample, the graph is extended so that they travel in groups as
     * well, 32 at most. The numbers are the same up to rounding. If it is not set, it is 64 MiB for
     * each processor, but no more than a sixty-fourth of the machine's memory, and at least 128
     * MiB.
     *
     * <p>The budget holds for {@link ExtendedGraph#output}, for each thread that evaluates at the
     * same time. It is exceeded where a single sample needs more, and where samples influence each
     * other. The graph itself, run by SameDiff, divides columns, and knows no budget otherwise.
     *
     * @param bytes the budget in bytes, at least 1
     * @return this builder
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder memoryBudget(long bytes) {
      if (bytes < 1) {
        throw new IllegalArgumentException("A memory budget of " + bytes + " bytes is no budget.");
      }
      memoryBudget = bytes;
      return this;
    }

    /**
     * Follows the extension, which for a large graph takes seconds, and evaluations that work
     * through the samples in groups (see {@link #memoryBudget}).
     *
     * @param listener is told of each pass, and of each group of samples
     * @return this builder
     */
    public Builder progress(Progress listener) {
      progress = listener;
      return this;
    }

    /** Has the extended graph not keep the person's: for who keeps one for as long as it lives. */
    Builder weakly() {
      weakly = true;
      return this;
    }

    /** How the extended graph finds the person's, whose arrays it shares. */
    private Supplier<@Nullable SameDiff> held() {
      if (weakly) {
        return new WeakReference<>(sd)::get;
      }
      SameDiff kept = sd;
      return () -> kept;
    }

    /**
     * Extends the graph.
     *
     * @param extensions the quantities
     * @return the extended graph
     * @throws java.util.concurrent.CancellationException if the thread is interrupted
     * @throws UnsupportedGraphException if a quantity cannot be had; it lists every reason
     * @throws IllegalArgumentException if there is no loss, no sample axis, or a name is taken
     */
    public ExtendedGraph extend(Extension... extensions) {
      boolean all = named.isEmpty() && parameters.isEmpty();
      Predicate<String> chosen =
          name ->
              (all || named.contains(name) || parameters.stream().anyMatch(p -> p.test(name)))
                  && !without.contains(name);

      Request request =
          new Request(
              sd,
              held(),
              List.of(extensions),
              chosen,
              Set.copyOf(named),
              Set.copyOf(without),
              List.copyOf(variables),
              List.copyOf(predictions),
              Map.copyOf(sampleAxes),
              places,
              List.copyOf(rules),
              List.copyOf(losses),
              lenient,
              conversion,
              memoryBudget,
              progress);
      return new ExtendedGraph(request, new Extender(request).extend());
    }
  }
}
