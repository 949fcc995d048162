package org.backpack4j.samediff.curvature;

import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRPDecomposition_F64;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The range of rows Y [k, d], by a QR decomposition of Yᵀ with pivots: Yᵀ Π = Q R.
 *
 * @param basis Qᵀ [r, d], orthonormal rows
 * @param triangle R [r, k]
 * @param pivots for each column of R its row of Y
 */
record Range(INDArray basis, DMatrixRMaj triangle, int[] pivots) {
  static Range of(INDArray rows) {
    int k = Math.toIntExact(rows.size(0));
    int d = Math.toIntExact(rows.size(1));
    QRPDecomposition_F64<DMatrixRMaj> qr = DecompositionFactory_DDRM.qrp(d, k);
    qr.decompose(Matrices.ejml(rows.transpose()));
    DMatrixRMaj q = qr.getQ(null, true);
    DMatrixRMaj r = qr.getR(null, true);
    int rank = 0;
    while (rank < Math.min(d, k) && Math.abs(r.get(rank, rank)) > 1e-13 * Math.abs(r.get(0, 0))) {
      rank++;
    }
    INDArray basis = Matrices.nd4j(q).transpose().dup('c');
    return new Range(
        rank == 0 ? Matrices.zeros(0, d) : Vectors.rows(basis, 0, rank).dup('c'),
        r,
        qr.getColPivots());
  }

  int rank() {
    return Math.toIntExact(basis.size(0));
  }

  /** Rows without their part in the range. */
  INDArray without(INDArray rows) {
    INDArray part = Matrices.product(Matrices.product(rows, false, basis, true), basis);
    return rows.sub(part);
  }
}
