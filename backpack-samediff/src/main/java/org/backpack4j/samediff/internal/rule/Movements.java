package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;

/** The ops that put entries of their inputs in other places, and which inputs those are. */
final class Movements {
  private Movements() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    t.put("assign", MovementRule.ofAll("assign"));
    t.put("batch_to_space", MovementRule.of("batch to space", 0));
    t.put("batch_to_space_nd", MovementRule.of("batch to space", 0));
    t.put("broadcast_to", MovementRule.of("broadcast", 0));
    t.put("concat", MovementRule.ofAll("concat"));
    t.put("create_view", MovementRule.of("view", 0));
    t.put("depth_to_space", MovementRule.of("depth to space", 0));
    t.put("diag", MovementRule.of("diagonal matrix", 0));
    t.put("diag_part", MovementRule.of("diagonal", 0));
    t.put("dynamic_partition", MovementRule.of("partition", 0));
    t.put("dynamic_stitch", MovementRule.ofFloats("stitch"));
    t.put("extract_image_patches", MovementRule.of("patches", 0));
    t.put("flatten", MovementRule.ofAll("flatten"));
    t.put("gather", new GatherRule(MovementRule.of("gather", 0)));
    t.put("gather_nd", MovementRule.of("gather", 0));
    t.put("im2col", MovementRule.of("patches", 0));
    t.put("image_resize", MovementRule.of("resize", 0));
    t.put("matrix_band_part", MovementRule.of("band", 0));
    t.put("matrix_diag", MovementRule.of("diagonal matrix", 0));
    t.put("matrix_diag_part", MovementRule.of("diagonal", 0));
    t.put("matrix_set_diag", MovementRule.of("diagonal set", 0, 1));
    t.put("meshgrid", MovementRule.ofAll("grid"));
    t.put("mirror_pad", MovementRule.of("pad", 0));
    t.put("pad", MovementRule.of("pad", 0));
    t.put("parallel_stack", MovementRule.ofAll("stack"));
    t.put("repeat", MovementRule.of("repeat", 0));
    t.put("resize_nearest_neighbor", MovementRule.of("resize", 0));
    t.put("reverse", MovementRule.of("reverse", 0));
    t.put("reverse_sequence", new ReverseSequenceRule());
    t.put("roll", MovementRule.of("roll", 0));
    t.put("slice", MovementRule.of("slice", 0));
    t.put("space_to_batch", MovementRule.of("space to batch", 0));
    t.put("space_to_batch_nd", MovementRule.of("space to batch", 0));
    t.put("space_to_depth", MovementRule.of("space to depth", 0));
    t.put("split", MovementRule.ofFloats("split"));
    t.put("split_v", MovementRule.of("split", 0));
    t.put("stack", MovementRule.ofAll("stack"));
    t.put("strided_slice", MovementRule.of("slice", 0));
    t.put("tile", MovementRule.of("tile", 0));
    t.put("triu", MovementRule.of("triangle", 0));
    t.put("unstack", MovementRule.of("unstack", 0));
    t.put("upsampling2d", MovementRule.of("repeat", 0));
    t.put("upsampling3d", MovementRule.of("repeat", 0));
    return t;
  }
}
