package org.backpack4j.samediff.internal.extend;

import org.backpack4j.samediff.extension.Columns;

/**
 * The plans of an extension.
 *
 * @param plan that of the gradient and of the generalised Gauss-Newton matrix
 * @param hessian that of the Hessian's diagonal; the same where no quantity asks for it
 * @param products that of the Hessian's products; the same where no quantity asks for them
 */
record Plans(ExtensionPlan plan, ExtensionPlan hessian, ExtensionPlan products) {
  /** The plan of some columns. */
  ExtensionPlan of(Columns columns) {
    return columns.kind() == Columns.Kind.HESSIAN_VECTORS
        ? products
        : columns.hessian() ? hessian : plan;
  }
}
