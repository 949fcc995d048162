package org.backpack4j.samediff.internal.extend;

/**
 * Why a node stands in the way of a quantity.
 *
 * @param reason what it is
 * @param remedy what to do
 */
record Obstacle(String reason, String remedy) {}
