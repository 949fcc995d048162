package org.backpack4j.samediff.internal.contribution;

import java.util.List;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * The contributions of several uses of a parameter, added up for each sample before anything is
 * squared.
 */
record SharedSum(List<ParameterVjp> parts) implements Composite {}
