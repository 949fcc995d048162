package org.backpack4j.samediff.backprop;

/**
 * Why a quantity cannot be had.
 *
 * @param quantity what was asked for, such as {@code diag_ggn_exact}; {@code *} for everything
 * @param node the node or variable that stands in the way
 * @param reason what is the matter, a sentence without a full stop
 * @param remedy what to do, a sentence without a full stop
 */
public record Refusal(String quantity, String node, String reason, String remedy) {
  @Override
  public String toString() {
    return quantity + ": " + node + ": " + reason + "; " + remedy + ".";
  }
}
