package org.backpack4j.dl4j.report;

/**
 * A finding of a {@link TrainingReport}.
 *
 * @param kind which of the findings, {@code noise-scale} say
 * @param finding what was found, a sentence
 * @param evidence the numbers that show it
 * @param remedy what to try, a sentence
 */
public record Advice(String kind, String finding, String evidence, String remedy) {
  @Override
  public String toString() {
    return finding + " (" + evidence + "). " + remedy;
  }
}
