package org.backpack4j.samediff.internal.execution.run;

import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.Value;

/** Something that a plan has to do, when it is not yet settled where everything lies. */
public interface Task {
  /** What it reads. */
  List<Value> inputs();

  /** What it writes. */
  List<Value> outputs();
}
