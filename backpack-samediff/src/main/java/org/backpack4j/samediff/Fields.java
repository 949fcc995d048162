package org.backpack4j.samediff;

import java.util.Map;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;

/** The fields of the library's extensions, by class. */
final class Fields {
  private static final Map<Class<? extends Extension>, String> FIELDS =
      Map.of(
          BatchDiagGGNExact.class, new BatchDiagGGNExact().field(),
          BatchGrad.class, new BatchGrad().field(),
          DiagGGNExact.class, new DiagGGNExact().field());

  private Fields() {}

  static String of(Class<? extends Extension> extension) {
    String field = FIELDS.get(extension);
    if (field == null) {
      throw new IllegalArgumentException(
          extension.getSimpleName()
              + " is not an extension of this library: ask with an instance of it.");
    }
    return field;
  }
}
