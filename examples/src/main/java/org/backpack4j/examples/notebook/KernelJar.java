package org.backpack4j.examples.notebook;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/**
 * The jar that Jupyter starts: this project's own classes, and a manifest that names the jars of
 * others where they are, in the local Maven repository. So the kernel outlives a clean build.
 */
final class KernelJar {

  private static final String OURS = "org/backpack4j";

  private final Set<String> written = new HashSet<>(Set.of(JarFile.MANIFEST_NAME));

  private KernelJar() {}

  static void write(Path jar, List<Path> classPath) throws IOException {
    List<Path> ours = new ArrayList<>();
    List<Path> others = new ArrayList<>();
    for (Path entry : classPath) {
      if (Files.exists(entry)) {
        (isOurs(entry) ? ours : others).add(entry);
      }
    }
    Path draft = jar.resolveSibling(jar.getFileName() + ".new");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(draft), naming(others))) {
      KernelJar kernel = new KernelJar();
      for (Path entry : ours) {
        kernel.add(entry, out);
      }
    }
    // a kernel that runs keeps the old one
    Files.move(draft, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static Manifest naming(List<Path> others) {
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.put(Attributes.Name.MAIN_CLASS, NotebookKernel.class.getName());
    List<String> uris = others.stream().map(p -> p.toUri().toString()).toList();
    attributes.put(Attributes.Name.CLASS_PATH, String.join(" ", uris));
    return manifest;
  }

  private static boolean isOurs(Path entry) throws IOException {
    if (Files.isDirectory(entry)) {
      return Files.isDirectory(entry.resolve(OURS));
    }
    if (!entry.getFileName().toString().startsWith("backpack-")) {
      return false; // saves opening every jar
    }
    try (FileSystem zip = FileSystems.newFileSystem(entry)) {
      return Files.isDirectory(zip.getPath(OURS));
    }
  }

  private void add(Path entry, JarOutputStream out) throws IOException {
    if (Files.isDirectory(entry)) {
      addFolder(entry, out);
    } else {
      try (FileSystem zip = FileSystems.newFileSystem(entry)) {
        addFolder(zip.getPath("/"), out);
      }
    }
  }

  private void addFolder(Path root, JarOutputStream out) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(root)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      String name = root.relativize(file).toString().replace('\\', '/');
      if (written.add(name)) {
        out.putNextEntry(new JarEntry(name));
        Files.copy(file, out);
        out.closeEntry();
      }
    }
  }
}
