package org.backpack4j.examples.reference;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** The reference cases that come with the tests. */
final class CaseFolders {

  private CaseFolders() {}

  static Path root() throws URISyntaxException {
    URL url = Objects.requireNonNull(CaseFolders.class.getResource("/cases"));
    return Path.of(url.toURI());
  }

  static List<Path> all() throws IOException, URISyntaxException {
    return CaseReader.folders(root());
  }
}
