package org.backpack4j.samediff.graph;

import org.nd4j.autodiff.samediff.SameDiff;

public final class EntranceReshapes {
  public static void apply(SameDiff copy) {}
}
