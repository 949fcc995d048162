package org.backpack4j.dl4j.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * One listener on several networks, each trained by a thread of its own. Each step must have its
 * own network's numbers: the gradient that the network has just computed, and rows that add up to
 * it.
 *
 * <p>Run by hand, {@code SeveralNetworks 8 250} trains eight networks for 2,000 steps in all, and
 * says how much native memory is taken as it goes.
 */
public final class SeveralNetworks {
  private final AtomicInteger steps = new AtomicInteger();
  private final List<String> faults = new ArrayList<>();

  /** A network of its own numbers; every other one has dropout, whose masks are a step's own. */
  private static MultiLayerNetwork network(int number) {
    DenseLayer.Builder hidden = new DenseLayer.Builder().nOut(64);
    return Nets.sequential(
        Nets.builder().seed(number),
        InputType.feedForward(5),
        (number % 2 == 0 ? hidden : hidden.dropOut(0.8)).build(),
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(3)
            .activation(Activation.SOFTMAX)
            .build());
  }

  private static DataSet batch(int number, int iteration) {
    int samples = 4 + (number + iteration) % 3;
    INDArray x = Nets.random(samples, 5).muli(1 + 0.1 * number);
    return new DataSet(x, Nets.classes(samples, 3));
  }

  /**
   * Trains.
   *
   * @param networks how many networks and threads
   * @param iterations how many iterations each makes
   * @return what was wrong; nothing if all is well
   */
  public List<String> train(int networks, int iterations) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(networks);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listener.onStepOf(this::check);
      List<Future<?>> all = new ArrayList<>();
      for (int n = 0; n < networks; n++) {
        int number = n;
        all.add(
            executor.submit(
                () -> {
                  MultiLayerNetwork net = network(number);
                  net.setListeners(listener);
                  for (int k = 0; k < iterations; k++) {
                    net.fit(batch(number, k));
                    // in this thread the latest step is this network's
                    if (listener.latest() != listener.latest(net)
                        || listener.latest().iteration() != k) {
                      fault("network " + number + ": the latest step is another's");
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      executor.shutdown();
    }
    if (steps.get() != networks * iterations) {
      fault(steps + " steps were heard of " + networks * iterations);
    }
    return faults;
  }

  private void check(Model net, TrainingStep step) {
    net.gradient()
        .gradientForVariable()
        .forEach(
            (name, right) -> {
              INDArray heard = step.quantities().gradient(name);
              INDArray rows = step.quantities().get(name, BatchGrad.class).sum(0);
              if (off(heard, right) > 1e-9 || off(rows, right) > 1e-9) {
                fault("iteration " + step.iteration() + ": " + name + " is another network's");
              }
            });
    int heard = steps.incrementAndGet();
    if (heard % 200 == 0) {
      System.out.printf(
          "%d steps, %.1f MiB of native memory taken%n",
          heard, PlannedGraph.allocated() / (double) (1 << 20));
    }
  }

  private static double off(INDArray a, INDArray b) {
    INDArray right = b.castTo(DataType.DOUBLE);
    return a.reshape(right.shape()).distance2(right);
  }

  private void fault(String what) {
    synchronized (faults) {
      faults.add(what);
    }
  }

  /** See above. */
  public static void main(String[] args) throws Exception {
    List<String> faults =
        new SeveralNetworks().train(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
    System.out.println(faults.isEmpty() ? "All steps are their own network's." : faults);
  }
}
