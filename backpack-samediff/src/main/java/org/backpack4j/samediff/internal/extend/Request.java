package org.backpack4j.samediff.internal.extend;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.spi.OpRule;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * What a person asked for.
 *
 * @param sd the graph
 * @param held what the extended graph finds it by; null once it is gone, if it is not kept
 * @param extensions the quantities
 * @param chosen which parameters
 * @param named parameters chosen by name
 * @param without parameters left out by name
 * @param variables inputs and activations asked for beside the parameters
 * @param predictions the predictions, where the person named them
 * @param sampleAxes sample axes named by the person, by placeholder
 * @param places what a person knows a node by, by the name of its first result
 * @param rules the rules that the person registered
 * @param losses the loss variables that the person chose; none for all
 * @param lenient whether to leave out what cannot be had
 * @param conversion whether the graph stands for a network that is trained elsewhere
 * @param memoryBudget the bytes that an evaluation is to work in
 * @param progress is told how far the extension is
 */
public record Request(
    SameDiff sd,
    Supplier<@Nullable SameDiff> held,
    List<Extension> extensions,
    Predicate<String> chosen,
    Set<String> named,
    Set<String> without,
    List<String> variables,
    List<String> predictions,
    Map<String, Integer> sampleAxes,
    UnaryOperator<String> places,
    List<OpRule> rules,
    List<String> losses,
    boolean lenient,
    boolean conversion,
    long memoryBudget,
    Progress progress) {}
