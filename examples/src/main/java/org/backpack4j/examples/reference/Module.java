package org.backpack4j.examples.reference;

/** One of PyTorch's modules or functions, written in SameDiff's ops. */
@FunctionalInterface
interface Module {

  /** Adds the module's ops to the graph and answers its result. */
  Tensor build(ModuleContext context);
}
