package org.backpack4j.samediff.execution;

import java.util.List;

/** Something that a plan has to do, when it is not yet settled where everything lies. */
interface Task {
  /** What it reads. */
  List<Value> inputs();

  /** What it writes. */
  List<Value> outputs();
}
