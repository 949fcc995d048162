package org.backpack4j.dl4j;

/**
 * Why a layer or vertex cannot be converted.
 *
 * @param where the layer or vertex, with its class
 * @param reason what is not supported
 * @param remedy what to do
 */
public record Obstacle(String where, String reason, String remedy) {
  @Override
  public String toString() {
    return where + ": " + reason + "; " + remedy + ".";
  }
}
