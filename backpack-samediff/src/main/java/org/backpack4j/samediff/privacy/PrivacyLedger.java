package org.backpack4j.samediff.privacy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a training did, as far as privacy is concerned: its phases in the order of time, each of
 * steps with the same noise and sampling. It does not change: {@link #plus} makes a new one.
 *
 * <p>Saved it is text, a line for each phase:
 *
 * <pre>
 * backpack-privacy-ledger 1
 * phases 2
 * noise-multiplier 1.0 sampling-rate 0.05 steps 1000
 * noise-multiplier 1.5 sampling-rate 0.05 steps 200
 * </pre>
 */
public final class PrivacyLedger {
  private static final String HEAD = "backpack-privacy-ledger 1";

  private final List<Phase> phases;

  /**
   * Steps with the same noise and sampling.
   *
   * @param noiseMultiplier σ, the standard deviation of the noise over the clipping norm, from 1e-4
   *     to 1e6
   * @param samplingRate q, the probability of each sample to be in a batch, from 0 to 1; 1 is every
   *     sample in every batch
   * @param steps T, how many steps, not negative
   */
  public record Phase(double noiseMultiplier, double samplingRate, long steps) {
    /**
     * A phase, whose ranges are checked.
     *
     * @param noiseMultiplier σ, from 1e-4 to 1e6
     * @param samplingRate q, from 0 to 1
     * @param steps T, not negative
     * @throws IllegalArgumentException if one of the three is out of its range
     */
    public Phase {
      if (!(noiseMultiplier >= NoiseMultiplier.LEAST && noiseMultiplier <= NoiseMultiplier.MOST)) {
        throw new IllegalArgumentException(
            "noiseMultiplier is %s, expected a number from %s to %s: without noise there is no privacy"
                .formatted(noiseMultiplier, NoiseMultiplier.LEAST, NoiseMultiplier.MOST));
      }
      if (!(samplingRate >= 0 && samplingRate <= 1)) {
        throw new IllegalArgumentException(
            "samplingRate is %s, expected a probability: from 0 to 1, commonly the expected batch"
                    .formatted(samplingRate)
                + " over the number of samples");
      }
      if (steps < 0) {
        throw new IllegalArgumentException("steps is " + steps + ", expected 0 or more");
      }
      samplingRate += 0.0; // −0 and 0 are one number, and have to be equal
    }

    private boolean continues(Phase other) {
      return noiseMultiplier == other.noiseMultiplier && samplingRate == other.samplingRate;
    }

    private Phase longer(long more) {
      return new Phase(noiseMultiplier, samplingRate, sum(steps, more));
    }

    private static long sum(long a, long b) {
      try {
        return Math.addExact(a, b);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "steps come to more than %d: %d and %d".formatted(Long.MAX_VALUE, a, b), e);
      }
    }

    private String line() {
      return "noise-multiplier "
          + noiseMultiplier
          + " sampling-rate "
          + samplingRate
          + " steps "
          + steps;
    }
  }

  private PrivacyLedger(List<Phase> phases) {
    this.phases = List.copyOf(phases);
  }

  /**
   * A ledger of a training that has not begun.
   *
   * @return no phases
   */
  public static PrivacyLedger empty() {
    return new PrivacyLedger(List.of());
  }

  /**
   * This ledger and some more steps. They lengthen the last phase where noise and sampling are the
   * same; no steps change nothing.
   *
   * @param noiseMultiplier σ, the standard deviation of the noise over the clipping norm, from 1e-4
   *     to 1e6
   * @param samplingRate q, from 0 to 1
   * @param steps how many steps, not negative
   * @return the ledger with them
   * @throws IllegalArgumentException if one of the three is out of its range
   */
  public PrivacyLedger plus(double noiseMultiplier, double samplingRate, long steps) {
    Phase next = new Phase(noiseMultiplier, samplingRate, steps);
    if (steps == 0) {
      return this;
    }
    List<Phase> all = new ArrayList<>(phases);
    int last = all.size() - 1;
    if (last >= 0 && all.get(last).continues(next)) {
      all.set(last, all.get(last).longer(steps));
    } else {
      all.add(next);
    }
    return new PrivacyLedger(all);
  }

  /**
   * The phases.
   *
   * @return in the order of time, no two neighbours alike
   */
  public List<Phase> phases() {
    return phases;
  }

  /** What composes: the order is of no matter, equal phases are one, q = 0 reveals nothing. */
  List<SampledGaussian> mechanisms() {
    Map<Phase, Long> steps = new LinkedHashMap<>();
    for (Phase phase : phases) {
      if (phase.samplingRate > 0) {
        steps.merge(
            new Phase(phase.noiseMultiplier, phase.samplingRate, 0), phase.steps, Phase::sum);
      }
    }
    return steps.entrySet().stream()
        .map(
            e ->
                new SampledGaussian(
                    e.getKey().samplingRate, e.getKey().noiseMultiplier, e.getValue()))
        .toList();
  }

  /**
   * Writes the ledger, exactly. What was in the file before is replaced only when all is written.
   *
   * @param file where to
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent(), "no file: " + file);
    Path written = Files.createTempFile(directory, file.getFileName() + ".", ".part");
    try {
      List<String> lines = new ArrayList<>(List.of(HEAD, "phases " + phases.size()));
      phases.forEach(phase -> lines.add(phase.line()));
      Files.write(written, lines);
      Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(written);
    }
  }

  /**
   * Reads what {@link #save} wrote.
   *
   * @param file where from
   * @return an equal ledger
   * @throws IOException if the file cannot be read, or is not a whole ledger; the message names the
   *     line and what was expected there
   */
  public static PrivacyLedger load(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    expect(file, 1, HEAD, lines.isEmpty() ? "" : lines.get(0));
    expect(
        file, 2, "phases " + Math.max(0, lines.size() - 2), lines.size() < 2 ? "" : lines.get(1));
    PrivacyLedger ledger = empty();
    for (int i = 2; i < lines.size(); i++) {
      ledger = ledger.plus(file, i + 1, lines.get(i));
    }
    return ledger;
  }

  private PrivacyLedger plus(Path file, int number, String line) throws IOException {
    String[] words = line.split(" ", -1);
    try {
      if (words.length == 6) {
        Phase phase =
            new Phase(
                Double.parseDouble(words[1]),
                Double.parseDouble(words[3]),
                Long.parseLong(words[5]));
        expect(file, number, phase.line(), line);
        return plus(phase.noiseMultiplier, phase.samplingRate, phase.steps);
      }
    } catch (IllegalArgumentException e) {
      throw new IOException("%s, line %d: %s".formatted(file, number, e.getMessage()), e);
    }
    expect(file, number, "noise-multiplier … sampling-rate … steps …", line);
    return this;
  }

  private static void expect(Path file, int number, String expected, String line)
      throws IOException {
    if (!line.equals(expected)) {
      throw new IOException(
          "%s, line %d: expected '%s', but it is '%s'".formatted(file, number, expected, line));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PrivacyLedger ledger && phases.equals(ledger.phases);
  }

  @Override
  public int hashCode() {
    return phases.hashCode();
  }

  /** The phases, a line for each. */
  @Override
  public String toString() {
    return String.join("\n", phases.stream().map(Phase::line).toList());
  }
}
