package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.backpack4j.examples.reference.Outcome.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CaseCheckTest {

  static Stream<Path> cases() throws Exception {
    return CaseFolders.all().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void noQuantityIsWrong(Path folder) throws Exception {
    assertThat(CaseCheck.of(CaseReader.read(folder)))
        .isNotEmpty()
        .noneMatch(outcome -> outcome.verdict() == Verdict.FAILED);
  }

  @Test
  void aWrongFigureIsFound() throws Exception {
    ReferenceCase wrong = CaseReader.read(CaseFolders.root().resolve("two_classes"));
    wrong.parameters().get("linear_1.bias").addi(0.1);
    assertThat(CaseCheck.of(wrong))
        .filteredOn(outcome -> outcome.verdict() == Verdict.FAILED)
        .extracting(Outcome::quantity)
        .contains("output", "loss", "grad", "grad_batch", "diag_ggn_exact");
  }

  @Test
  void aLineHasCaseQuantityCountDifferenceAndVerdict() {
    assertThat(new Outcome("net", "grad", 6, 1.234e-15, Verdict.PASSED, "").line())
        .isEqualTo("net grad 6 1.23e-15 ok");
    assertThat(new Outcome("net", "kflr", 6, Double.NaN, Verdict.NOT_SUPPORTED, "why").line())
        .isEqualTo("net kflr 6 - not supported");
  }
}
