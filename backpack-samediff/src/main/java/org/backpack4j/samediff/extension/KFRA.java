package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors.Positions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * Kronecker factors by recursion, {@code kfra} (Botev, Ritter and Barber, 2017, "Practical
 * Gauss-Newton optimisation for deep learning", eq. 21), in BackPACK's convention: A is {@link
 * KFLR}'s, B the matrix H that starts as the sum of the samples' Hessians of the loss by the
 * predictions and becomes, at each op, the mean over the samples of Jₙᵀ H Jₙ; of a convolution B
 * sums it over both positions. Results are named as {@link KFLR}'s, {@code w.kfra.B} and {@code
 * w.kfra.A}.
 *
 * <p>H is [F, F] for F entries of one sample at each place, so that this is for small networks, and
 * it takes a single way from the network's input to the loss: graphs with skips or branches are
 * refused.
 */
public final class KFRA implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** Factors by recursion. */
  public KFRA() {}

  @Override
  public String field() {
    return "kfra";
  }

  @Override
  public Combination combination(String result) {
    return Combination.none("its recursion averages over the samples of a batch after each op");
  }

  @Override
  public Columns columns() {
    return Columns.AVERAGED;
  }

  @Override
  public boolean unsigned() {
    return true;
  }

  /** Of what no columns reach; everything else is made on the way back. */
  @Override
  public List<Result> results(Emitter emit, List<ParameterVjp> contributions) {
    return Kronecker.results(emit, Positions.BACKPACK, contributions);
  }
}
