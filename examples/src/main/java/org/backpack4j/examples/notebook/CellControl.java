package org.backpack4j.examples.notebook;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Map;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;
import org.jspecify.annotations.Nullable;

/**
 * Runs snippets in this virtual machine, and keeps what the last one answered or threw as an
 * object: JShell itself hands back text.
 */
final class CellControl extends DirectExecutionControl implements ExecutionControlProvider {

  private final CellClasses classes;
  private @Nullable Object value;
  private @Nullable Throwable thrown;

  CellControl(CellClasses classes) {
    super(classes);
    this.classes = classes;
  }

  CellClasses classes() {
    return classes;
  }

  void forget() {
    value = null;
    thrown = null;
  }

  @Nullable Object value() {
    return value;
  }

  @Nullable Throwable thrown() {
    return thrown;
  }

  @Override
  protected String invoke(Method snippet) throws Exception {
    try {
      value = snippet.invoke(null);
      return ""; // JShell's text of the value, which nobody reads
    } catch (InvocationTargetException e) {
      thrown = e.getCause();
      throw e;
    }
  }

  @Override
  public String name() {
    return "in-process";
  }

  @Override
  public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) {
    return this;
  }
}
