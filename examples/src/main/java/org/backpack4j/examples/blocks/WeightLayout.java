package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How the weights of layers are stored. */
public enum WeightLayout {

  /**
   * As in PyTorch: convolutions [O, I, kH, kW], linear layers [O, I]. A permute brings the former
   * to the op's own layout, so shapes and flat indices are PyTorch's.
   */
  PYTORCH {
    @Override
    INDArray stored(INDArray values) {
      return values;
    }

    @Override
    SDVariable kernel(SDVariable weight) {
      return weight.permute(2, 3, 1, 0);
    }

    @Override
    SDVariable product(String name, SDVariable x, SDVariable weight) {
      return x.getSameDiff().mmul(name, x, weight, false, true, false);
    }
  },

  /**
   * As SameDiff's ops take them, the fastest: convolutions [kH, kW, I, O], linear layers [I, O].
   */
  SAMEDIFF {
    @Override
    INDArray stored(INDArray values) {
      return switch (values.rank()) {
        case 2 -> values.permute(1, 0).dup('c');
        case 4 -> values.permute(2, 3, 1, 0).dup('c');
        default -> values;
      };
    }

    @Override
    SDVariable kernel(SDVariable weight) {
      return weight;
    }

    @Override
    SDVariable product(String name, SDVariable x, SDVariable weight) {
      return x.getSameDiff().mmul(name, x, weight);
    }
  };

  /** The array to store, from one in PyTorch's layout. */
  abstract INDArray stored(INDArray values);

  /** A stored convolution weight as [kH, kW, I, O]. */
  abstract SDVariable kernel(SDVariable weight);

  /** x Wᵀ, for W of [O, I]. */
  abstract SDVariable product(String name, SDVariable x, SDVariable weight);
}
