package org.backpack4j.samediff.contribution;

import java.util.List;

/**
 * The contributions of several uses of a parameter, added up for each sample before anything is
 * squared.
 */
record Sum(List<Contribution> parts) implements Parts {}
