package org.backpack4j.dl4j.laplace;

import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;

/** The form of the posterior's precision. */
enum Form {
  DIAGONAL,
  KRON,
  EKFAC,
  FULL;

  /** What the first pass over the data gathers. */
  Extension extension(Columns columns) {
    return switch (this) {
      case DIAGONAL, FULL ->
          columns.random() ? new DiagGGNMC(columns.samples(), columns.seed()) : new DiagGGNExact();
      case KRON, EKFAC -> new KFACExpand(columns);
    };
  }
}
