package org.backpack4j.samediff;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.backpack4j.samediff.extension.ClippedGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.testing.MentionNothingInternal;
import org.jspecify.annotations.NullMarked;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/**
 * The arrows between the packages, and what every package keeps to.
 *
 * <p>The arrows point downwards: an extension knows contributions and the reverse pass, a rule
 * knows neither an extension nor the algebra's callers, what reads, copies and rewrites graphs
 * knows no derivative, {@code check} stands alone. So a rule can be read, tested and replaced by
 * itself, and the brute force of {@code check} shares no rule with what it checks.
 */
@AnalyzeClasses(packages = "org.backpack4j.samediff", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

  private static final String ROOT = "org.backpack4j.samediff";

  /** Every package below the root; a new one belongs into this list. */
  private static final List<String> PACKAGES =
      List.of(
          "extension",
          "check",
          "curvature",
          "dataset",
          "privacy",
          "spark",
          "spi",
          "train",
          "internal.dataset",
          "internal.extend",
          "internal.evaluate",
          "internal.ir",
          "internal.nd4j",
          "internal.interpret",
          "internal.shape",
          "internal.rewrite",
          "internal.faults",
          "internal.autodiff",
          "internal.rule",
          "internal.loss",
          "internal.contribution",
          "internal.execution");

  /** What hands the emitter's work on to the execution, and takes a node of the graph. */
  private static final Set<String> INTERNAL_ON_PURPOSE =
      Set.of(
          "org.backpack4j.samediff.spi.Emitter.fusions",
          "org.backpack4j.samediff.spi.Emitter.ownGradient");

  @ArchTest
  static final ArchRule everyClassHasItsPlace =
      classes()
          .should()
          .resideInAnyPackage(
              Stream.concat(Stream.of(ROOT), Arrays.stream(in(PACKAGES))).toArray(String[]::new))
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule everyPackageIsNullMarked =
      classes().should(resideInANullMarkedPackage()).allowEmptyShould(true);

  @ArchTest
  static final ArchRule nothingKnowsDl4j =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.deeplearning4j..")
          .allowEmptyShould(true);

  /** Accountants can be read, checked and used without a network. */
  @ArchTest
  static final ArchRule privacyIsMathematicsAlone =
      noClasses()
          .that()
          .resideInAPackage(in("privacy"))
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("org.nd4j..", "org.backpack4j..")
                  .and(resideOutsideOfPackage(in("privacy"))))
          .allowEmptyShould(true);

  /** Whoever has no Spark never needs it. */
  @ArchTest
  static final ArchRule sparkIsLoadedByItsPackageAlone =
      noClasses()
          .that()
          .resideOutsideOfPackage(in("spark"))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "scala..", in("spark"))
          .allowEmptyShould(true);

  /**
   * What can be chosen for a graph on one machine can be sent to others, but for what is made of a
   * person's functions.
   */
  @ArchTest
  static final ArchRule extensionsCanBeSent =
      classes()
          .that()
          .resideInAPackage(in("extension"))
          .and()
          .implement(Extension.class)
          .and()
          .doNotBelongToAnyOf(ClippedGrad.class)
          .should()
          .implement(Serializable.class);

  @ArchTest static final ArchRule ruleKnowsNoExtension = separate("internal.rule", "extension");

  @ArchTest
  static final ArchRule contributionKnowsNoRule =
      separate("internal.contribution", "internal.rule", "extension");

  @ArchTest static final ArchRule irKnowsOnlyWhatGraphsAre = lowerFloor("internal.ir");

  @ArchTest static final ArchRule nd4jKnowsOnlyWhatGraphsAre = lowerFloor("internal.nd4j");

  @ArchTest
  static final ArchRule interpretKnowsOnlyWhatGraphsAre = lowerFloor("internal.interpret");

  @ArchTest static final ArchRule shapeKnowsOnlyWhatGraphsAre = lowerFloor("internal.shape");

  @ArchTest static final ArchRule rewriteKnowsOnlyWhatGraphsAre = lowerFloor("internal.rewrite");

  @ArchTest static final ArchRule faultsKnowsOnlyWhatGraphsAre = lowerFloor("internal.faults");

  @ArchTest
  static final ArchRule checkSharesNothingWithTheFastWay =
      separate(
          "check",
          "internal.rule",
          "internal.loss",
          "internal.contribution",
          "internal.autodiff",
          "extension");

  @ArchTest
  static final ArchRule nothingIsPrinted =
      NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.allowEmptyShould(true);

  /** Both print a line for each op, and change the person's graph. */
  @ArchTest
  static final ArchRule sameDiffsOwnGradientIsNotAskedFor =
      noClasses()
          .should()
          .callMethodWhere(
              target(nameMatching("createGradFunction|calculateGradients.*"))
                  .and(target(owner(assignableTo(SameDiff.class)))))
          .allowEmptyShould(true);

  /** What a program can call mentions only what it can call, so that the rest may change. */
  @ArchTest
  static final ArchRule publicSignaturesMentionNothingInternal =
      classes()
          .that()
          .resideOutsideOfPackage("..internal..")
          .and()
          .arePublic()
          .should(new MentionNothingInternal("org.backpack4j", INTERNAL_ON_PURPOSE));

  /** One place where SameDiff's tables of who reads what are written. */
  @ArchTest
  static final ArchRule graphsAreWiredWhereTheyAreCopiedAndRewritten =
      noClasses()
          .that()
          .resideOutsideOfPackages(in(List.of("internal.nd4j", "internal.rewrite")))
          .should()
          .callMethodWhere(
              method(
                  SameDiff.class,
                  "putOpForId|putSubFunction|(add|replace|remove)Arg.*|addOutgoingFor|addVariable"
                      + "|setFunction.*|getSessions"))
          .orShould()
          .callMethodWhere(method(SameDiffOp.class, "set.*"))
          .orShould()
          .callMethodWhere(method(Variable.class, "set.*"));

  /** What derives knows nodes and shapes; SameDiff's tables are read below. */
  @ArchTest
  static final ArchRule whatDerivesReadsNoTableOfSameDiff =
      noClasses()
          .that()
          .resideInAnyPackage(
              in(
                  List.of(
                      "extension",
                      "check",
                      "spi",
                      "internal.evaluate",
                      "internal.shape",
                      "internal.autodiff",
                      "internal.rule",
                      "internal.loss",
                      "internal.contribution")))
          .should()
          .callMethodWhere(method(SameDiff.class, "getOps|getVariables|variableMap|getOpById"));

  private static DescribedPredicate<JavaCall<?>> method(Class<?> of, String name) {
    return target(nameMatching(name)).and(target(owner(assignableTo(of))));
  }

  private static ArchRule lowerFloor(String from) {
    return separate(
        from,
        "internal.autodiff",
        "internal.rule",
        "internal.loss",
        "internal.contribution",
        "internal.execution",
        "internal.extend",
        "internal.evaluate",
        "extension",
        "check");
  }

  private static ArchRule separate(String from, String... to) {
    return noClasses()
        .that()
        .resideInAPackage(in(from))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(in(List.of(to)))
        .allowEmptyShould(true);
  }

  private static String[] in(List<String> names) {
    return names.stream().map(ArchitectureTest::in).toArray(String[]::new);
  }

  private static String in(String name) {
    return ROOT + "." + name + "..";
  }

  private static ArchCondition<JavaClass> resideInANullMarkedPackage() {
    return new ArchCondition<>("reside in a package whose package-info.java says @NullMarked") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        boolean marked = item.getPackage().isAnnotatedWith(NullMarked.class);
        String message =
            "%s: %s has %s package-info.java with @NullMarked"
                .formatted(item.getName(), item.getPackageName(), marked ? "a" : "no");
        events.add(new SimpleConditionEvent(item, marked, message));
      }
    };
  }
}
