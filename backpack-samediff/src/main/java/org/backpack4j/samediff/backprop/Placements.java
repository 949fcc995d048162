package org.backpack4j.samediff.backprop;

import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Placement.Kind;

/** Where results have their sample axis, for the few ways in which ops treat axes. */
public final class Placements {
  private Placements() {}

  /**
   * Of an op that treats every entry apart and broadcasts its inputs, axes counted from the last.
   *
   * @param site the node
   * @param output which output
   * @return the placement
   */
  public static Placement broadcast(Site site, int output) {
    Dims out = site.outputDims(output);
    Placement found = withoutAxis(site);
    for (int k = 0; k < site.inputs(); k++) {
      Placement place = site.placement(k);
      if (!place.hasSamples()) {
        continue;
      }
      int axis = place.axis() + out.rank() - site.dims(k).rank();
      Placement here = Placement.samples(axis, place.outer(), place.inner());
      if (found.hasSamples() && !found.equals(here)) {
        return byShape(site, output).mixing("its inputs have their samples on different axes");
      }
      found = here;
    }
    return found;
  }

  /**
   * Of an op that works along some axes of its first input and keeps its shape or the other axes'
   * extents.
   *
   * @param site the node
   * @param output which output
   * @param axes the axes, negative from the end
   * @return the placement
   */
  public static Placement along(Site site, int output, int... axes) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return withoutAxis(site);
    }
    int rank = site.dims(0).rank();
    for (int axis : axes) {
      if ((axis < 0 ? axis + rank : axis) == place.axis()) {
        return byShape(site, output).mixing(site.node().op() + " works along the sample axis");
      }
    }
    return place;
  }

  /**
   * Of an op that keeps the order of all entries, such as a reshape.
   *
   * @param site the node
   * @param output which output
   * @return the placement
   */
  public static Placement sameOrder(Site site, int output) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return withoutAxis(site);
    }
    Dims in = site.dims(0);
    Dims out = site.outputDims(output);
    // the sample index is a digit of the flat index: its weight stays
    Dim behind = in.from(place.axis() + 1).product();
    long weight = behind.size() * place.inner();
    int axis = out.sampleAxis();
    if (axis < 0) {
      throw new Refused(
          "the sample axis of " + site.node() + " cannot be found", "keep the samples on an axis");
    }
    long within = out.from(axis + 1).product().size();
    long factor = out.get(axis).size();
    if (within > 0 && weight % within == 0 && factor % (weight / within) == 0) {
      long inner = weight / within;
      return Placement.samples(axis, factor / inner, inner);
    }
    return byShape(site, output).mixing("the reshape tears samples apart");
  }

  /**
   * Of an output without a sample axis: whether it depends on samples.
   *
   * @param site the node
   * @return the placement
   */
  public static Placement withoutAxis(Site site) {
    for (int k = 0; k < site.inputs(); k++) {
      if (site.placement(k).kind() != Kind.SHARED) {
        return Placement.reduced(null);
      }
    }
    return Placement.SHARED;
  }

  /**
   * What the shapes alone tell: the axis that grows with the number of samples. An output may have
   * one though no input has: {@code range(0, size_at(x, 0))}.
   *
   * @param site the node
   * @param output which output
   * @return the placement
   */
  public static Placement byShape(Site site, int output) {
    int axis = site.outputDims(output).sampleAxis();
    if (axis < 0) {
      return withoutAxis(site);
    }
    return Placement.samples(axis, 1, site.outputDims(output).get(axis).size());
  }
}
