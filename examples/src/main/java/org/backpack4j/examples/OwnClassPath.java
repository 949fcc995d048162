package org.backpack4j.examples;

import java.io.File;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What this program runs on, for processes that are to run on the same. */
public final class OwnClassPath {

  private OwnClassPath() {}

  /**
   * The class path of this class. Inside Maven it is a class loader that knows it, not the virtual
   * machine.
   *
   * @return jars and folders
   */
  public static List<Path> entries() {
    List<Path> entries = new ArrayList<>();
    if (OwnClassPath.class.getClassLoader() instanceof URLClassLoader loader) {
      for (URL url : loader.getURLs()) {
        try {
          entries.add(Path.of(url.toURI()));
        } catch (URISyntaxException e) {
          throw new IllegalStateException("not a file: " + url, e);
        }
      }
      return entries;
    }
    Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .map(Path::of)
        .forEach(entries::add);
    return entries;
  }

  /**
   * The class path as an argument of {@code java -cp}.
   *
   * @return the entries with the system's separator between them
   */
  public static String argument() {
    return String.join(File.pathSeparator, entries().stream().map(Path::toString).toList());
  }
}
