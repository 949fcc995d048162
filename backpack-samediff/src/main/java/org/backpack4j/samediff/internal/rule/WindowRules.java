package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;

/** The ops whose windows slide over images: convolutions, poolings, local responses. */
final class WindowRules {
  private WindowRules() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    Rule average = new AveragePoolingRule();
    Rule convolution = new ConvolutionRule();
    Rule max = new MaxPoolingRule();
    Rule transposed = new TransposedConvolutionRule();
    t.put("avgpool2d", average);
    t.put("avgpool3dnew", average);
    t.put("conv1d", convolution);
    t.put("conv2d", convolution);
    t.put("conv3dnew", convolution);
    t.put("deconv2d", transposed);
    t.put("deconv3d", transposed);
    t.put("depthwise_conv2d", new DepthwiseConvolutionRule());
    t.put("lrn", new LocalResponseRule());
    t.put("maxpool2d", max);
    t.put("maxpool3dnew", max);
    t.put("pnormpool2d", new NormPoolingRule());
    t.put("sconv2d", new SeparableConvolutionRule());
    return t;
  }
}
