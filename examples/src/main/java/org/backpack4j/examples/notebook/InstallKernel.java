package org.backpack4j.examples.notebook;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.examples.OwnClassPath;

/**
 * Makes the Java kernel known to Jupyter: writes a folder with a kernel specification and {@link
 * KernelJar the kernel's jar}.
 *
 * <pre>{@code
 * InstallKernel                for this user
 * InstallKernel --dir FOLDER   to FOLDER/kernels, for JUPYTER_PATH=FOLDER
 * InstallKernel --name NAME    not "java", beside another Java kernel
 * }</pre>
 */
public final class InstallKernel {

  private static final String JAR = "backpack-kernel.jar";

  private InstallKernel() {}

  /**
   * Installs the kernel.
   *
   * @param args {@code --dir FOLDER}, {@code --name NAME}, or nothing
   * @throws IOException if a file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path data = userData();
    String name = "java";
    for (int k = 0; k < args.length; k += 2) {
      if (k + 1 == args.length) {
        throw new IllegalArgumentException(args[k] + " of what?");
      }
      switch (args[k]) {
        case "--dir" -> data = Path.of(args[k + 1]);
        case "--name" -> name = args[k + 1];
        default ->
            throw new IllegalArgumentException(
                "Unknown: " + args[k] + ". There are --dir FOLDER and --name NAME.");
      }
    }
    Path folder =
        install(data.resolve("kernels").resolve(name).toAbsolutePath(), OwnClassPath.entries());
    System.out.println("The Java kernel is in " + folder);
  }

  /** Writes the kernel's folder. */
  static Path install(Path folder, List<Path> classPath) throws IOException {
    Path specification = folder.resolve("kernel.json");
    if (Files.exists(specification) && !Files.readString(specification).contains(JAR)) {
      throw new IllegalStateException(
          folder + " has another Java kernel; install this one beside it by --name backpack-java.");
    }
    Files.createDirectories(folder);
    KernelJar.write(folder.resolve(JAR), classPath);
    Map<String, Object> kernel = new LinkedHashMap<>();
    kernel.put(
        "argv",
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Djava.awt.headless=true",
            "-jar",
            folder.resolve(JAR).toString(),
            "{connection_file}"));
    kernel.put("display_name", "Java (BackPACK)");
    kernel.put("language", "java");
    kernel.put("interrupt_mode", "message");
    Files.write(
        specification,
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(kernel));
    return folder;
  }

  /** Where Jupyter looks for this user's kernels. */
  private static Path userData() {
    String given = System.getenv("JUPYTER_DATA_DIR");
    if (given != null) {
      return Path.of(given);
    }
    String home = System.getProperty("user.home");
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (system.startsWith("mac")) {
      return Path.of(home, "Library", "Jupyter");
    }
    if (system.startsWith("windows")) {
      return Path.of(Objects.requireNonNullElse(System.getenv("APPDATA"), home), "jupyter");
    }
    String share = System.getenv("XDG_DATA_HOME");
    return share == null ? Path.of(home, ".local", "share", "jupyter") : Path.of(share, "jupyter");
  }
}
