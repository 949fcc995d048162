package org.backpack4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.examples.reference.CaseCheck;
import org.backpack4j.examples.reference.CaseReader;
import org.backpack4j.examples.reference.Outcome;
import org.backpack4j.examples.reference.Outcome.Verdict;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares what the library computes with reference cases: {@code ReferenceCases FOLDER...}, each a
 * case or a folder of cases.
 *
 * <p>It prints a line for each case and quantity, {@code case quantity parameter-count
 * largest-relative-difference ok|FAILED|not supported}, and last {@code N passed, M failed, K not
 * supported}. Why something did not pass is said on standard error. The exit status is 1 if
 * anything failed.
 */
public final class ReferenceCases {

  private static final Logger LOG = LoggerFactory.getLogger(ReferenceCases.class);

  private ReferenceCases() {}

  /**
   * Compares.
   *
   * @param args the folders
   * @throws IOException if a folder cannot be listed
   */
  public static void main(String[] args) throws IOException {
    if (args.length == 0) {
      System.err.println("Usage: ReferenceCases FOLDER...");
      System.exit(2);
    }
    Map<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
    for (Path folder : folders(args)) {
      for (Outcome outcome : outcomes(folder)) {
        System.out.println(outcome.line());
        System.out.flush();
        counts.merge(outcome.verdict(), 1, Integer::sum);
        if (!outcome.reason().isEmpty()) {
          LOG.warn("{} {}: {}", outcome.caseName(), outcome.quantity(), outcome.reason());
        }
      }
    }
    System.out.printf(
        "%d passed, %d failed, %d not supported%n",
        counts.getOrDefault(Verdict.PASSED, 0),
        counts.getOrDefault(Verdict.FAILED, 0),
        counts.getOrDefault(Verdict.NOT_SUPPORTED, 0));
    if (counts.containsKey(Verdict.FAILED)) {
      System.exit(1);
    }
  }

  private static List<Path> folders(String[] args) throws IOException {
    List<Path> folders = new ArrayList<>();
    for (String arg : args) {
      folders.addAll(CaseReader.folders(Path.of(arg)));
    }
    return folders;
  }

  /** A case that cannot be read has failed. */
  private static List<Outcome> outcomes(Path folder) {
    try {
      return CaseCheck.of(CaseReader.read(folder));
    } catch (IOException | RuntimeException e) {
      String name = String.valueOf(folder.getFileName());
      return List.of(new Outcome(name, "case", 0, Double.NaN, Verdict.FAILED, e.toString()));
    }
  }
}
