package org.backpack4j.examples.notebook.view;

import java.util.function.Function;
import org.backpack4j.dl4j.influence.InfluenceReport;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;

/** Teaches a kernel to show the library's results. Kernels find it by themselves. */
public final class NotebookViews implements Extension {

  @Override
  public void install(BaseKernel kernel) {
    show(kernel, View.class, view -> view);
    show(kernel, ExtendedGraph.class, GraphView::of);
    show(kernel, QuantityResults.class, SummaryView::of);
    show(kernel, InfluenceReport.class, InfluenceView::of);
  }

  private static <T> void show(BaseKernel kernel, Class<T> type, Function<T, View> view) {
    kernel
        .getRenderer()
        .createRegistration(type)
        .preferring(MIMEType.TEXT_HTML, MIMEType.TEXT_PLAIN)
        .register(
            (value, context) -> {
              View shown = view.apply(value);
              context.renderIfRequested(MIMEType.TEXT_HTML, shown::html);
              context.renderIfRequested(MIMEType.TEXT_PLAIN, shown::toString);
            });
  }
}
