package org.backpack4j.examples.notebook;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.dflib.jjava.jupyter.kernel.util.PathsHandler;

/** What a person writes behind {@code %classpath}. */
final class ClassPath {

  private ClassPath() {}

  /**
   * The files that are meant.
   *
   * @param arguments jars, folders of classes, and patterns such as {@code lib/*.jar}; several in
   *     one argument with the system's separator between them
   * @return the files
   * @throws IllegalArgumentException if one does not exist, a pattern fits nothing, or a file is no
   *     jar
   */
  @SuppressWarnings("OrphanedFormatString") // it is what is typed
  static List<Path> entries(List<String> arguments) {
    if (arguments.isEmpty()) {
      throw new IllegalArgumentException("Which jars or folders? %classpath lib/*.jar classes");
    }
    List<Path> entries = new ArrayList<>();
    for (String argument : arguments) {
      for (String path : PathsHandler.split(argument)) {
        entries.addAll(entries(path));
      }
    }
    return entries;
  }

  private static List<Path> entries(String path) {
    String place = "(looked for in " + Path.of("").toAbsolutePath() + ")";
    boolean pattern = path.contains("*") || path.contains("?");
    List<Path> found = pattern ? PathsHandler.resolveGlobs(path) : List.of(Path.of(path));
    if (found.isEmpty()) {
      throw new IllegalArgumentException("No file fits " + path + " " + place + ".");
    }
    for (Path file : found) {
      if (!Files.exists(file)) {
        throw new IllegalArgumentException("There is no " + file + " " + place + ".");
      }
      if (Files.isRegularFile(file) && !file.toString().endsWith(".jar")) {
        throw new IllegalArgumentException(file + " is neither a jar nor a folder of classes.");
      }
    }
    return found;
  }
}
