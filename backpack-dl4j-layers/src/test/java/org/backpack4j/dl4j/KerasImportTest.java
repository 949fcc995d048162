package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.deeplearning4j.nn.modelimport.keras.KerasModel;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Classifiers as Deeplearning4j imports them from Keras: from what {@code model.to_json()} writes
 * (Keras 2, shortened to what is read) and the training configuration, without weights.
 */
class KerasImportTest {
  private static final int N = 3;

  private static String layer(String kind, String settings) {
    return "{\"class_name\": \"" + kind + "\", \"config\": {" + settings + "}}";
  }

  private static String dense(String name, int units, String activation, String more) {
    return layer(
        "Dense",
        "\"name\": \""
            + name
            + "\", \"units\": "
            + units
            + ", \"activation\": \""
            + activation
            + "\", \"use_bias\": true, "
            + initial("kernel")
            + initial("bias")
            + NOTHING
            + more);
  }

  private static String initial(String what) {
    return "\""
        + what
        + "_initializer\": {\"class_name\": \"RandomUniform\", \"config\": {\"minval\": -0.5,"
        + " \"maxval\": 0.5, \"seed\": null}}, ";
  }

  private static final String NOTHING =
      "\"kernel_regularizer\": null, \"bias_regularizer\": null, \"activity_regularizer\": null,"
          + " \"kernel_constraint\": null, \"bias_constraint\": null, \"trainable\": true,"
          + " \"dtype\": \"float32\"";

  private static MultiLayerNetwork imported(String loss, String... layers) throws Exception {
    String model =
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"model\", \"layers\": ["
            + String.join(", ", layers)
            + "]}, \"keras_version\": \"2.3.1\", \"backend\": \"tensorflow\"}";
    String training =
        "{\"optimizer_config\": {\"class_name\": \"SGD\", \"config\": {\"lr\": 0.01, \"momentum\":"
            + " 0.0, \"decay\": 0.0, \"nesterov\": false}}, \"loss\": \""
            + loss
            + "\", \"metrics\": [], \"sample_weight_mode\": null, \"loss_weights\": null}";
    MultiLayerNetwork net =
        new KerasModel()
            .modelBuilder()
            .modelJson(model)
            .trainingJson(training)
            .enforceTrainingConfig(true)
            .buildSequential()
            .getMultiLayerNetwork(false);
    net.init();
    return net.convertDataType(DataType.DOUBLE);
  }

  private static void check(MultiLayerNetwork net, INDArray x, INDArray y) {
    Nets.inDoublePrecision(() -> Converted.of(net, x, y).tolerance(1e-6).check());
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(2))) {
      net.setListeners(listener);
      Nets.inDoublePrecision(() -> net.fit(new DataSet(x, y)));
      assertThat(listener.latest().notes()).isEmpty();
      assertThat(listener.outputs().keySet()).anyMatch(n -> n.endsWith(".diag_ggn_mc"));
    }
  }

  @Test
  void rows() throws Exception {
    check(
        imported(
            "categorical_crossentropy",
            dense("first", 5, "tanh", ", \"batch_input_shape\": [null, 4]"),
            dense("second", 3, "softmax", "")),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  private static String lstm(String more) {
    return layer(
        "LSTM",
        "\"name\": \"lstm\", \"units\": 3, \"activation\": \"tanh\", \"recurrent_activation\":"
            + " \"sigmoid\", \"use_bias\": true, \"unit_forget_bias\": true, \"implementation\": 1,"
            + " \"dropout\": 0.0, \"recurrent_dropout\": 0.0, \"return_sequences\": false,"
            + " \"return_state\": false, \"go_backwards\": false, \"stateful\": false, \"unroll\":"
            + " false, \"recurrent_regularizer\": null, \"recurrent_constraint\": null, "
            + initial("kernel")
            + initial("recurrent")
            + initial("bias")
            + NOTHING
            + more);
  }

  @Test
  void series() throws Exception {
    check(
        imported(
            "categorical_crossentropy",
            lstm(", \"batch_input_shape\": [null, 4, 2]"),
            dense("last", 3, "softmax", "")),
        Nets.random(N, 4, 2),
        Nets.classes(N, 3));
  }

  @Test
  void words() throws Exception {
    INDArray y = Nd4j.createFromArray(new double[][] {{1}, {0}, {1}});
    check(
        imported(
            "binary_crossentropy",
            layer(
                "Embedding",
                "\"name\": \"embedding\", \"batch_input_shape\": [null, 4], \"input_dim\": 6,"
                    + " \"output_dim\": 2, \"input_length\": 4, \"mask_zero\": false, "
                    + "\"embeddings_regularizer\": null, \"embeddings_constraint\": null, "
                    + initial("embeddings")
                    + "\"activity_regularizer\": null, \"trainable\": true, \"dtype\":"
                    + " \"float32\""),
            lstm(""),
            dense("last", 1, "sigmoid", "")),
        Nd4j.createFromArray(new double[][] {{0, 1, 2, 3}, {3, 3, 4, 5}, {5, 0, 1, 1}}),
        y);
  }

  @Test
  void images() throws Exception {
    check(
        imported(
            "categorical_crossentropy",
            layer(
                "Conv2D",
                "\"name\": \"conv\", \"batch_input_shape\": [null, 2, 5, 5], \"filters\": 3,"
                    + " \"kernel_size\": [2, 2], \"strides\": [1, 1], \"padding\": \"valid\","
                    + " \"data_format\": \"channels_first\", \"dilation_rate\": [1, 1],"
                    + " \"activation\": \"tanh\", \"use_bias\": true, "
                    + initial("kernel")
                    + initial("bias")
                    + NOTHING),
            layer(
                "MaxPooling2D",
                "\"name\": \"pool\", \"pool_size\": [2, 2], \"strides\": [2, 2], \"padding\":"
                    + " \"valid\", \"data_format\": \"channels_first\", \"trainable\": true"),
            layer(
                "Flatten",
                "\"name\": \"flatten\", \"trainable\": true, \"data_format\":"
                    + " \"channels_first\""),
            dense("last", 3, "softmax", "")),
        Nets.random(N, 2, 5, 5),
        Nets.classes(N, 3));
  }
}
