package org.backpack4j.samediff.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrivacyLedgerTest {
  private static final PrivacyLedger LEDGER =
      PrivacyLedger.empty().plus(1.0 / 3, 0.05, 1000).plus(1.5, 1e-7, 3_000_000_000L);

  @TempDir Path directory;

  @Test
  void stepsOfOneKindAreOnePhase() {
    PrivacyLedger ledger = PrivacyLedger.empty().plus(1, 0.1, 3).plus(1, 0.1, 4).plus(2, 0.1, 0);
    assertThat(ledger).isEqualTo(PrivacyLedger.empty().plus(1, 0.1, 7));
    assertThat(ledger).hasSameHashCodeAs(PrivacyLedger.empty().plus(1, 0.1, 7));
    assertThat(ledger.phases()).containsExactly(new PrivacyLedger.Phase(1, 0.1, 7));
    assertThat(ledger).isNotEqualTo(ledger.plus(2, 0.1, 1));
    assertThat(PrivacyLedger.empty().plus(1, -0.0, 1))
        .isEqualTo(PrivacyLedger.empty().plus(1, 0.0, 1));
  }

  @Test
  void isTheSameAfterItWasSaved() throws IOException {
    Path file = directory.resolve("ledger.txt");
    LEDGER.save(file);
    assertThat(PrivacyLedger.load(file)).isEqualTo(LEDGER);
    PrivacyLedger.empty().save(file);
    assertThat(PrivacyLedger.load(file)).isEqualTo(PrivacyLedger.empty());
    assertThat(directory).isDirectoryContaining("glob:**ledger.txt");
    try (var files = Files.list(directory)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void halfAFileIsRefused() throws IOException {
    Path file = directory.resolve("ledger.txt");
    LEDGER.save(file);
    List<String> lines = Files.readAllLines(file);
    for (int kept = 0; kept < lines.size(); kept++) {
      Files.write(file, lines.subList(0, kept));
      assertThatThrownBy(() -> PrivacyLedger.load(file))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("expected");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "noise-multiplier -1.0 sampling-rate 0.1 steps 3",
        "noise-multiplier 1.0 sampling-rate NaN steps 3",
        "noise-multiplier 1.0 sampling-rate 0.1 steps x",
        "noise-multiplier 1.0 sampling-rate 0.1 steps",
        "sigma 1.0 sampling-rate 0.1 steps 3",
        ""
      })
  void aWrongLineIsNamed(String line) throws IOException {
    Path file = directory.resolve("ledger.txt");
    Files.write(file, List.of("backpack-privacy-ledger 1", "phases 1", line));
    assertThatThrownBy(() -> PrivacyLedger.load(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ledger.txt, line 3");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.1, 1, noiseMultiplier",
    "-1, 0.1, 1, noiseMultiplier",
    "NaN, 0.1, 1, noiseMultiplier",
    "Infinity, 0.1, 1, noiseMultiplier",
    "1, -0.1, 1, samplingRate",
    "1, 1.1, 1, samplingRate",
    "1, NaN, 1, samplingRate",
    "1, 0.1, -1, steps"
  })
  void whatIsOutOfRangeIsNamed(double sigma, double q, long steps, String name) {
    assertThatThrownBy(() -> PrivacyLedger.empty().plus(sigma, q, steps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("expected");
  }

  @Test
  void stepsDoNotOverflow() {
    PrivacyLedger ledger = PrivacyLedger.empty().plus(1, 0.1, Long.MAX_VALUE);
    assertThatThrownBy(() -> ledger.plus(1, 0.1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("steps");
  }
}
