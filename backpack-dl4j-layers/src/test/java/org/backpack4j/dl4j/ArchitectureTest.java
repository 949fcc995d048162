package org.backpack4j.dl4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Set;
import org.backpack4j.dl4j.testing.MentionNothingInternal;

@AnalyzeClasses(
    packages = "org.backpack4j.dl4j",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] CONVERTERS = {
    "..dl4j.internal.layer..",
    "..dl4j.internal.vertex..",
    "..dl4j.internal.loss..",
    "..dl4j.internal.activation..",
    "..dl4j.internal.preprocessor..",
    "..dl4j.internal.dropout.."
  };

  @ArchTest
  static final ArchRule theMachineryKnowsNoConverter =
      noClasses()
          .that()
          .resideInAPackage("..dl4j.internal.convert..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(CONVERTERS);

  @ArchTest
  static final ArchRule convertersKnowNothingOfWhatTheyAreConvertedFor =
      noClasses()
          .that()
          .resideInAnyPackage(CONVERTERS)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.backpack4j.samediff..");

  /** Networks go to a cluster by their recipe, so that nothing here needs Spark. */
  @ArchTest
  static final ArchRule sparkIsNotLoaded =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "scala..", "org.backpack4j.samediff.spark..");

  /** What a program can call mentions only what it can call, so that the rest may change. */
  @ArchTest
  static final ArchRule publicSignaturesMentionNothingInternal =
      classes()
          .that()
          .resideOutsideOfPackage("..internal..")
          .and()
          .arePublic()
          .should(new MentionNothingInternal("org.backpack4j", Set.of()));
}
