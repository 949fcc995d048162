package org.backpack4j.dl4j.laplace;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.Jacobian;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.inverse.InvertMatrix;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Small networks in double precision, data for them, and brute force. */
final class LaplaceCases {
  private LaplaceCases() {}

  static NeuralNetConfiguration.Builder builder() {
    return new NeuralNetConfiguration.Builder()
        .seed(3)
        .dataType(DataType.DOUBLE)
        .updater(new Adam(0.05))
        .activation(Activation.TANH);
  }

  static MultiLayerNetwork made(MultiLayerConfiguration configuration) {
    MultiLayerNetwork net = new MultiLayerNetwork(configuration);
    net.init();
    return net;
  }

  static MultiLayerConfiguration classifierConfiguration() {
    return builder()
        .list()
        .layer(new DenseLayer.Builder().nIn(4).nOut(5).build())
        .layer(
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(5)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build())
        .build();
  }

  static MultiLayerNetwork classifier() {
    return made(classifierConfiguration());
  }

  static MultiLayerNetwork regression() {
    return made(
        builder()
            .list()
            .layer(new DenseLayer.Builder().nIn(4).nOut(5).build())
            .layer(
                new OutputLayer.Builder(LossFunction.MSE)
                    .nIn(5)
                    .nOut(2)
                    .activation(Activation.IDENTITY)
                    .build())
            .build());
  }

  static MultiLayerNetwork convolutional() {
    return made(
        builder()
            .list()
            .layer(new ConvolutionLayer.Builder(2, 2).nOut(2).build())
            .layer(new BatchNormalization())
            .layer(
                new OutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(3)
                    .activation(Activation.SOFTMAX)
                    .build())
            .setInputType(InputType.convolutional(3, 3, 2))
            .build());
  }

  static MultiLayerNetwork recurrent() {
    return made(
        builder()
            .list()
            .layer(new LSTM.Builder().nIn(3).nOut(3).build())
            .layer(
                new RnnOutputLayer.Builder(LossFunction.MCXENT)
                    .nIn(3)
                    .nOut(3)
                    .activation(Activation.SOFTMAX)
                    .build())
            .build());
  }

  static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    INDArray array = Nd4j.zeros(DataType.DOUBLE, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, random.nextGaussian());
    }
    return array;
  }

  /** Labels that follow the first feature, with noise. */
  static DataSet classes(long seed, int samples, long... shape) {
    long[] all = new long[shape.length + 1];
    all[0] = samples;
    System.arraycopy(shape, 0, all, 1, shape.length);
    INDArray features = random(seed, all);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, 3);
    INDArray rows = features.dup('c').reshape('c', samples, -1);
    for (int n = 0; n < samples; n++) {
      double z = rows.getDouble(n, 0);
      labels.putScalar(n, n % 7 == 0 ? n % 3 : z < -0.4 ? 0 : z < 0.4 ? 1 : 2, 1);
    }
    return new DataSet(features, labels);
  }

  static DataSet series(long seed, int samples, int steps) {
    INDArray features = random(seed, samples, 3, steps);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, 3, steps);
    for (int n = 0; n < samples; n++) {
      for (int t = 0; t < steps; t++) {
        labels.putScalar(
            new int[] {n, features.getDouble(n, 0, t) < 0 ? 0 : (n + t) % 2 + 1, t}, 1);
      }
    }
    return new DataSet(features, labels);
  }

  static DataSet numbers(long seed, int samples) {
    INDArray features = random(seed, samples, 4);
    INDArray labels =
        Transforms.sin(features.mmul(random(5, 4, 2)), false)
            .addi(random(seed + 1, samples, 2).muli(0.3));
    return new DataSet(features, labels);
  }

  static DataSetIterator batches(DataSet all, int size) {
    return new ListDataSetIterator<>(all.asList(), size);
  }

  static <M extends MultiLayerNetwork> M trained(M net, DataSet data, int steps) {
    for (int k = 0; k < steps; k++) {
      net.fit(data);
    }
    return net;
  }

  /**
   * What a Laplace approximation is made of, by brute force.
   *
   * @param f predictions [R, C]
   * @param jacobian [R, C, D], in the layout
   * @param ggn Σ Jᵀ Λ J with Λ the second derivative of −ln p
   * @param theta θ
   */
  record Dense(
      ParameterLayout layout, INDArray f, INDArray jacobian, INDArray ggn, INDArray theta) {

    static Dense of(Model net, DataSet data, boolean regression, List<String> parameters) {
      ConvertedNetwork converted =
          Dl4jConverter.on(net).like(data).statistics(BatchStatistics.RUNNING).convert();
      try (ExtendedGraph graph = converted.extend(new Jacobian())) {
        Map<String, INDArray> feeds = converted.feeds(data);
        String z = graph.predictions().get(0);
        INDArray f = graph.output(feeds, z).get(z).dup('c');
        ParameterLayout layout = ParameterLayout.of(graph).only(parameters);
        Map<String, INDArray> parts = new LinkedHashMap<>();
        Map<String, INDArray> values = new LinkedHashMap<>();
        for (String p : layout.names()) {
          long[] shape = new long[layout.shape(p).length + 1];
          shape[0] = f.length();
          System.arraycopy(layout.shape(p), 0, shape, 1, shape.length - 1);
          String name = p + ".jacobian";
          parts.put(p, graph.output(feeds, name).get(name).dup('c').reshape('c', shape));
          values.put(p, net.getParam(p).dup('c').reshape('c', layout.shape(p)));
        }
        INDArray j = layout.joinRows(parts).reshape('c', f.size(0), f.size(1), layout.size());
        return new Dense(layout, f, j, ggn(f, j, regression), layout.join(values));
      }
    }

    private static INDArray ggn(INDArray f, INDArray j, boolean regression) {
      long d = j.size(2);
      INDArray sum = Nd4j.zeros(DataType.DOUBLE, d, d);
      for (long r = 0; r < f.size(0); r++) {
        INDArray curvature = Nd4j.eye(f.size(1)).castTo(DataType.DOUBLE);
        if (!regression) {
          INDArray p = Transforms.softmax(f.getRow(r, true), true);
          curvature = Nd4j.diag(p.reshape(p.length())).sub(p.transpose().mmul(p));
        }
        INDArray here = j.slice(r);
        sum.addi(here.transpose().mmul(curvature).mmul(here));
      }
      return sum;
    }

    /** J (H + Λ)⁻¹ Jᵀ, [R, C, C]. */
    INDArray covariances(INDArray h, INDArray precisions) {
      INDArray inverse = InvertMatrix.invert(h.add(Nd4j.diag(precisions)), false);
      INDArray all = Nd4j.zeros(DataType.DOUBLE, f.size(0), f.size(1), f.size(1));
      for (long r = 0; r < f.size(0); r++) {
        all.slice(r).assign(jacobian.slice(r).mmul(inverse).mmul(jacobian.slice(r).transpose()));
      }
      return all;
    }

    /** ln p − ½ (ln det(H + Λ) − ln det Λ + θᵀ Λ θ). */
    double marginalLikelihood(double logLikelihood, INDArray h, INDArray precisions) {
      double logdet = logdet(h.add(Nd4j.diag(precisions)));
      double logPrior = Transforms.log(precisions, true).sumNumber().doubleValue();
      double norm = theta.mul(theta).muli(precisions).sumNumber().doubleValue();
      return logLikelihood - 0.5 * (logdet - logPrior + norm);
    }

    INDArray same(double precision) {
      return Nd4j.ones(DataType.DOUBLE, layout.size()).muli(precision);
    }
  }

  /** By Gaussian elimination. */
  static double logdet(INDArray matrix) {
    int n = (int) matrix.size(0);
    double[][] a = matrix.toDoubleMatrix();
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += Math.log(a[k][k]);
      for (int i = k + 1; i < n; i++) {
        double factor = a[i][k] / a[k][k];
        for (int j = k; j < n; j++) {
          a[i][j] -= factor * a[k][j];
        }
      }
    }
    return sum;
  }

  /** A whole matrix. */
  static INDArray dense(org.backpack4j.samediff.curvature.LinearOperator operator) {
    return operator.times(Nd4j.eye(operator.size()).castTo(DataType.DOUBLE));
  }

  static double logLikelihood(INDArray probabilities, INDArray labels) {
    return Transforms.log(probabilities, true).mul(labels).sumNumber().doubleValue();
  }

  static double difference(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue() / (1e-12 + b.amaxNumber().doubleValue());
  }
}
