package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.backpack4j.dl4j.internal.activation.Activations;
import org.backpack4j.dl4j.internal.layer.Layers;
import org.backpack4j.dl4j.internal.loss.LossConverters;
import org.backpack4j.dl4j.internal.preprocessor.Preprocessors;
import org.backpack4j.dl4j.internal.vertex.Vertices;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Holds the table of docs/guide-dl4j.md to the converters' tables, and these to all classes that
 * Deeplearning4j has. {@code -Dsupport.write=true} writes it.
 */
class SupportTableTest {
  private static final Path PAGE = Path.of("..", "docs", "guide-dl4j.md");
  private static final String BEGIN = "<!-- support: begin -->\n";

  /** Preprocessors of imported models are not among the configurations. */
  private static final String ELSEWHERE = "org/deeplearning4j/preprocessors/";

  private static final String END = "<!-- support: end -->\n";

  @Test
  void theTableIsThatOfTheConverters() throws Exception {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertThat(begin).isBetween(BEGIN.length(), end);
    String expected = page.substring(0, begin) + table() + page.substring(end);
    if (Boolean.getBoolean("support.write")) {
      Files.writeString(PAGE, expected);
      return;
    }
    assertThat(page)
        .as("docs/guide-dl4j.md is stale: run this test with -Dsupport.write=true")
        .isEqualTo(expected);
  }

  private static String table() throws Exception {
    return "| | converted | refused |\n| --- | --- | --- |\n"
        + row("layers", Layer.class, Layers.table())
        + row("vertices", GraphVertex.class, Vertices.table())
        + row("preprocessors", InputPreProcessor.class, Preprocessors.table())
        + row("activations", IActivation.class, Activations.table())
        + row("losses", ILossFunction.class, LossConverters.table());
  }

  private static String row(String what, Class<?> kind, Map<Class<?>, ?> converters)
      throws Exception {
    List<String> converted = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    for (Class<?> type : classes(kind, converters)) {
      Object converter = open(converters, type);
      boolean refuses = converter == null || refuses(converter);
      (refuses ? refused : converted).add("`" + type.getSimpleName() + "`");
    }
    assertThat(converted).hasSizeGreaterThan(8);
    return "| %s | %s | %s |\n"
        .formatted(what, String.join(", ", converted), String.join(", ", refused));
  }

  /** Whether a converter is there only to say why there is none. */
  private static boolean refuses(Object converter) {
    return converter.getClass().getSimpleName().startsWith("Refused");
  }

  /** An abstract class stands for its subclasses, as in a conversion. */
  private static Object open(Map<Class<?>, ?> converters, Class<?> type) {
    Object converter = converters.get(type);
    for (Class<?> c = type.getSuperclass(); converter == null && c != null; c = c.getSuperclass()) {
      converter = Modifier.isAbstract(c.getModifiers()) ? converters.get(c) : null;
    }
    return converter;
  }

  /** Those of Deeplearning4j, by name: what can be made, and what one can extend and we convert. */
  private static List<Class<?>> classes(Class<?> kind, Map<Class<?>, ?> converters)
      throws Exception {
    TreeSet<String> names = new TreeSet<>();
    Path jar = Path.of(kind.getProtectionDomain().getCodeSource().getLocation().toURI());
    String folder = kind.getPackageName().replaceFirst("\\.conf\\..*", ".conf").replace('.', '/');
    try (JarFile file = new JarFile(jar.toFile())) {
      file.stream()
          .map(e -> e.getName())
          .filter(n -> n.startsWith(folder) || n.startsWith(ELSEWHERE))
          .filter(n -> n.endsWith(".class") && !n.contains("$"))
          .forEach(n -> names.add(n.replace('/', '.').replaceFirst("\\.class$", "")));
    }
    List<Class<?>> classes = new ArrayList<>();
    for (String name : names) {
      Class<?> type = Class.forName(name, false, kind.getClassLoader());
      boolean open = Modifier.isAbstract(type.getModifiers());
      if (kind.isAssignableFrom(type)
          && type != LayerVertex.class // a layer
          && (!open || converters.containsKey(type))) {
        classes.add(type);
      }
    }
    classes.sort((a, b) -> a.getSimpleName().compareTo(b.getSimpleName()));
    return classes;
  }
}
