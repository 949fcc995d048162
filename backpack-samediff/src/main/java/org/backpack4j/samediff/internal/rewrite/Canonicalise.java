package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.faults.SegmentFaults;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.nd4j.Replacement;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Emitter;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Pass 2: writes composite ops with ops that have rules of their own, and that M2.1 runs right with
 * its default cache. The results keep their names, and their values to rounding; what is added
 * stands in the node's scope, {@code backpack/<node>/…}.
 *
 * <pre>
 * xw_plus_b(x, w, b)                    add(matmul(x, w), b)
 * relu_layer(x, w, b)                   relu(add(matmul(x, w), b))
 * tensordot(x, y)                       matmul of x and y as matrices, by permute and reshape
 * layer_norm(x, gain, bias)             add(multiply(standardize(x), gain), bias)
 * dot_product_attention(q, k, v)        matmul(v, softmax(kᵀ q / √d, over the keys))
 * multi_head_dot_product_attention(…)   projections by matmul, the above for all heads, a projection
 * embedding_lookup(w, indices)          gather(w, indices)
 * lstmLayer, lstmBlock, gru             their steps, one after the other
 * lstmBlockCell, gruCell                matrix products, sigmoid, tanh, sums and products
 * segment_sum(x, ids) and its like      the same with an axis more, where M2.1 takes a row for a vector
 * softmax(x)                            softmax(subtract(x, largest entry)), but in single precision
 * </pre>
 */
public final class Canonicalise {
  private static final Map<String, Rewrite> REWRITES = table();

  private Canonicalise() {}

  private static Map<String, Rewrite> table() {
    Map<String, Rewrite> table = new TreeMap<>();
    table.put("dot_product_attention", AttentionRewrite::single);
    table.put("embedding_lookup", LayerRewrites::embedding);
    table.put("gru", GruRewrite::layer);
    table.put("gruCell", GruRewrite::cell);
    table.put("layer_norm", LayerRewrites::layerNorm);
    table.put("lstmBlock", LstmBlockRewrite::block);
    table.put("lstmBlockCell", LstmBlockRewrite::cell);
    table.put("lstmLayer", LstmLayerRewrite::of);
    table.put("multi_head_dot_product_attention", AttentionRewrite::multiHead);
    table.put("relu_layer", LayerRewrites::dense);
    table.put("softmax", SoftmaxRewrite::of);
    table.put("tensordot", TensorProductRewrite::of);
    table.put("xw_plus_b", LayerRewrites::dense);
    SegmentFaults.OPS.forEach(op -> table.put(op, SegmentFaults::of));
    return Collections.unmodifiableMap(table);
  }

  /**
   * Rewrites the nodes on the way to some variables, in place.
   *
   * @param graph the graph
   * @param targets the variables, such as the losses
   * @param sampleAxes the axes named by the person, as for {@link GraphShapes#of}
   * @throws IllegalArgumentException as {@link GraphShapes#of}, if there is something to rewrite
   */
  public static void apply(
      SameDiff graph, Collection<String> targets, Map<String, Integer> sampleAxes) {
    List<SameDiffOp> composite = new ArrayList<>();
    for (SameDiffOp op : ReferenceInterpreter.order(graph, targets)) {
      String kind = op.getOp().opName();
      if (REWRITES.containsKey(kind)
          && (!kind.equals("softmax") || SoftmaxRewrite.concerns(graph, op))) {
        composite.add(op);
      }
    }
    if (composite.isEmpty()) {
      return; // the shapes cost two runs
    }
    GraphShapes shapes = GraphShapes.of(graph, targets, sampleAxes);
    for (SameDiffOp op : composite) {
      Rewrite rewrite = REWRITES.get(op.getOp().opName());
      if (rewrite != null) {
        List<SDVariable> results;
        try (NameScope ignored = graph.withNameScope(Emitter.SCOPE + op.getName())) {
          results = rewrite.of(new RewriteSite(graph, shapes, op));
        }
        if (!results.isEmpty()) {
          Replacement.replace(graph, op, results);
        }
      }
    }
  }
}
