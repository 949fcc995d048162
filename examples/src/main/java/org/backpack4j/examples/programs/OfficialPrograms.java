package org.backpack4j.examples.programs;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;

/**
 * The networks of Deeplearning4j's example programs under the listener: what each of them gives,
 * and what a step costs. Prints a table in Markdown, times as multiples of the plain step in the
 * same run.
 */
public final class OfficialPrograms {
  private static final int STEPS = 3;

  private OfficialPrograms() {}

  /**
   * Measures.
   *
   * @param args names of networks; all if there are none
   */
  public static void main(String[] args) {
    Map<String, Extension[]> quantities = quantities();
    System.out.print("| network | parameters |");
    quantities.keySet().forEach(name -> System.out.print(" " + name + " |"));
    System.out.println();
    System.out.println("| --- | --- |" + " --- |".repeat(quantities.size()));
    Map<String, String> reasons = new LinkedHashMap<>();
    for (Map.Entry<String, Supplier<Workload>> entry : Networks.table().entrySet()) {
      if (args.length == 0 || Arrays.asList(args).contains(entry.getKey())) {
        row(entry.getKey(), entry.getValue().get(), reasons);
      }
    }
    reasons.forEach((reason, number) -> System.out.printf("%n%s: %s%n", number, reason));
  }

  private static void row(String name, Workload work, Map<String, String> reasons) {
    System.out.printf("| %s | %,d |", name, work.parameters());
    work.plainStep();
    work.plainStep();
    quantities().values().forEach(asked -> System.out.print(cell(work, asked, reasons)));
    System.out.println();
  }

  /** First and later steps over plain ones, or why there are none. */
  private static String cell(Workload work, Extension[] asked, Map<String, String> reasons) {
    try (Workload.Watched watched = work.watch(asked)) {
      double first = seconds(watched::step);
      double[] plain = new double[STEPS];
      double[] later = new double[STEPS];
      for (int k = 0; k < STEPS; k++) {
        plain[k] = seconds(work::plainStep);
        later[k] = seconds(watched::step);
      }
      double unit = median(plain);
      return String.format(Locale.ROOT, " %.1f (%.0f) |", median(later) / unit, first / unit);
    } catch (RuntimeException e) {
      String reason = String.valueOf(e.getMessage()).strip();
      return " " + reasons.computeIfAbsent(reason, r -> "[" + (reasons.size() + 1) + "]") + " |";
    }
  }

  private static Map<String, Extension[]> quantities() {
    Map<String, Extension[]> quantities = new LinkedHashMap<>();
    quantities.put("norms and variance", new Extension[] {new BatchL2Grad(), new Variance()});
    quantities.put("sampled diagonal", new Extension[] {new DiagGGNMC()});
    quantities.put("exact diagonal", new Extension[] {new DiagGGNExact()});
    return quantities;
  }

  private static double seconds(Runnable step) {
    long start = System.nanoTime();
    step.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private static double median(double[] times) {
    double[] sorted = times.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
