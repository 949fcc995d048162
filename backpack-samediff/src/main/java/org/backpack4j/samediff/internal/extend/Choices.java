package org.backpack4j.samediff.internal.extend;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.spi.OpRule;

/**
 * What was chosen for an extended graph, so that the same can be chosen for the same model
 * elsewhere.
 *
 * @param parameters the parameters that have quantities
 * @param variables inputs and activations beside them
 * @param predictions the predictions that were named
 * @param sampleAxes the sample axes that were named, by placeholder
 * @param rules the rules that were registered
 * @param losses the loss variables
 * @param lenient whether what cannot be had is left out
 * @param conversion whether the graph stands for a network that is trained elsewhere
 * @param memoryBudget the bytes that an evaluation is to work in
 */
public record Choices(
    List<String> parameters,
    List<String> variables,
    List<String> predictions,
    Map<String, Integer> sampleAxes,
    List<OpRule> rules,
    List<String> losses,
    boolean lenient,
    boolean conversion,
    long memoryBudget)
    implements Serializable {

  /** The choices of a request that has been granted. */
  public static Choices of(Request request, ExtensionResult result) {
    List<String> parameters = new ArrayList<>(result.quantities().parameters());
    parameters.removeAll(request.variables());
    return new Choices(
        List.copyOf(parameters),
        request.variables(),
        request.predictions(),
        request.sampleAxes(),
        request.rules(),
        List.copyOf(result.graph().getLossVariables()),
        request.lenient(),
        request.conversion(),
        request.memoryBudget());
  }

  /** Makes the same choices for another graph. */
  public BackPack.Builder apply(BackPack.Builder builder) {
    builder
        .parameters(parameters::contains)
        .variables(variables.toArray(String[]::new))
        .predictions(predictions.toArray(String[]::new))
        .rules(rules.toArray(OpRule[]::new))
        .losses(losses.toArray(String[]::new))
        .memoryBudget(memoryBudget);
    sampleAxes.forEach(builder::sampleAxis);
    if (lenient) {
      builder.lenient();
    }
    return conversion ? builder.conversion() : builder;
  }
}
