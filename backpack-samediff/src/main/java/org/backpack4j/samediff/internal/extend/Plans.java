package org.backpack4j.samediff.internal.extend;

import org.backpack4j.samediff.extension.Columns;

/**
 * The plans of an extension.
 *
 * @param plan that of the gradient and of the generalised Gauss-Newton matrix
 * @param hessian that of the Hessian; the same where no quantity asks for it
 */
record Plans(ExtensionPlan plan, ExtensionPlan hessian) {
  /** The plan of some columns. */
  ExtensionPlan of(Columns columns) {
    return columns.hessian() ? hessian : plan;
  }
}
