package org.backpack4j.samediff;

import java.util.List;

/**
 * An op of an extended graph.
 *
 * @param op what it is, as {@code conv2d}
 * @param name the variable that it computes, the first if there are several
 * @param inputs the variables that it reads
 * @param rule the name of the rule that serves it
 * @param contributes the quantities of the parameters that it reads
 */
public record GraphRow(
    String op, String name, List<String> inputs, String rule, List<String> contributes) {}
