/**
 * A Java kernel for Jupyter. {@link org.backpack4j.examples.notebook.InstallKernel} makes it known
 * to Jupyter, {@link org.backpack4j.examples.notebook.NotebookKernel} is where to begin reading: it
 * takes cells apart, hands their snippets to JShell, and says in terms of the cell what went wrong.
 * Jupyter's protocol, renderers and magics are those of jjava-jupyter, so that whatever extends
 * JJava (by {@code org.dflib.jjava.jupyter.Extension}) extends this kernel as well.
 */
@NullMarked
package org.backpack4j.examples.notebook;

import org.jspecify.annotations.NullMarked;
