package org.backpack4j.samediff.curvature;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The file of a curvature matrix: a zip with an index, and an entry in NumPy's format for each
 * array, of type {@code <f8} in C order.
 *
 * <p>The index is text, a line for each thing, words apart by spaces, names percent-encoded:
 *
 * <pre>
 * backpack-curvature 1
 * parameter dense%2Fw 4,3
 * parameter dense%2Fb 3
 * block Kronecker-factored dense%2Fw
 * set output_axes 1
 * set damping exact
 * array B 0.B.npy
 * array A 0.A.npy
 * block diagonal dense%2Fb
 * array diagonal 1.diagonal.npy
 * </pre>
 */
final class CurvatureFile {
  private static final String INDEX = "index.txt";
  private static final String HEAD = "backpack-curvature";
  private static final String VERSION = "1";

  private CurvatureFile() {}

  static void save(Path file, ParameterLayout layout, List<Block> blocks) throws IOException {
    Path written =
        Files.createTempFile(file.toAbsolutePath().getParent(), file.getFileName() + ".", ".part");
    try {
      try (ZipOutputStream zip =
          new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(written)))) {
        Writer writer = new Writer(zip);
        for (String name : layout.names()) {
          writer.line("parameter", encoded(name), numbers(layout.shape(name)));
        }
        for (Block block : blocks) {
          writer.begin(block);
          block.write(writer);
        }
        writer.index();
      }
      Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(written);
    }
  }

  static List<Block> load(Path file, ParameterLayout expected) throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      return new Reader(file, zip, expected).blocks();
    }
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  private static String numbers(long[] numbers) {
    return Arrays.stream(numbers).mapToObj(Long::toString).collect(Collectors.joining(","));
  }

  private static long[] longs(String text) {
    return text.isEmpty()
        ? new long[0]
        : Arrays.stream(text.split(",", -1)).mapToLong(Long::parseLong).toArray();
  }

  /** What a block writes itself with. */
  static final class Writer {
    private final ZipOutputStream zip;
    private final StringBuilder index = new StringBuilder();
    private int blocks = -1;

    private Writer(ZipOutputStream zip) {
      this.zip = zip;
      line(HEAD, VERSION);
    }

    private void line(String... words) {
      index.append(String.join(" ", words)).append('\n');
    }

    private void begin(Block block) {
      blocks++;
      List<String> words = new ArrayList<>(List.of("block", encoded(block.form())));
      block.layout().names().forEach(name -> words.add(encoded(name)));
      line(words.toArray(new String[0]));
    }

    void setting(String name, String value) {
      line("set", name, value);
    }

    void integers(String name, int[] values) {
      setting(name, numbers(Arrays.stream(values).asLongStream().toArray()));
    }

    void array(String name, INDArray array) throws IOException {
      String entry = blocks + "." + name + ".npy";
      line("array", name, entry);
      zip.putNextEntry(new ZipEntry(entry));
      Npy.write(zip, array);
      zip.closeEntry();
    }

    private void index() throws IOException {
      zip.putNextEntry(new ZipEntry(INDEX));
      zip.write(index.toString().getBytes(StandardCharsets.UTF_8));
      zip.closeEntry();
    }
  }

  /** What a block reads itself with. */
  static final class Reader {
    private final Path file;
    private final ZipFile zip;
    private final ParameterLayout expected;
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final Map<String, String> arrays = new LinkedHashMap<>();

    private Reader(Path file, ZipFile zip, ParameterLayout expected) {
      this.file = file;
      this.zip = zip;
      this.expected = expected;
    }

    private List<Block> blocks() throws IOException {
      List<String[]> lines = lines();
      Map<String, long[]> shapes = new LinkedHashMap<>();
      List<Block> blocks = new ArrayList<>();
      for (int k = 1; k < lines.size(); k++) {
        String[] words = lines.get(k);
        if (words[0].equals("parameter")) {
          shapes.put(decoded(words[1]), longs(words.length > 2 ? words[2] : ""));
        }
      }
      checkParameters(ParameterLayout.of(shapes));
      for (int k = 1; k < lines.size(); k++) {
        if (lines.get(k)[0].equals("block")) {
          blocks.add(block(lines, k));
        }
      }
      return blocks;
    }

    private List<String[]> lines() throws IOException {
      String text = new String(bytes(INDEX), StandardCharsets.UTF_8);
      List<String[]> lines = text.lines().map(line -> line.split(" ", -1)).toList();
      if (lines.isEmpty() || !lines.get(0)[0].equals(HEAD)) {
        throw new IOException(file + " is no file of a curvature matrix.");
      }
      if (!lines.get(0)[1].equals(VERSION)) {
        throw new IOException(
            file + " is of version " + lines.get(0)[1] + "; known is version " + VERSION + ".");
      }
      return lines;
    }

    private void checkParameters(ParameterLayout saved) {
      if (!saved.equals(expected)) {
        throw new IllegalArgumentException(
            file
                + " belongs to the parameters "
                + saved
                + ", and not to "
                + expected
                + ": "
                + difference(saved)
                + ".");
      }
    }

    private String difference(ParameterLayout saved) {
      List<String> missing = new ArrayList<>(expected.names());
      missing.removeAll(saved.names());
      if (!missing.isEmpty()) {
        return "it has no " + missing;
      }
      List<String> more = new ArrayList<>(saved.names());
      more.removeAll(expected.names());
      if (!more.isEmpty()) {
        return "it has " + more + " too";
      }
      return expected.names().stream()
          .filter(name -> !Arrays.equals(expected.shape(name), saved.shape(name)))
          .findFirst()
          .map(name -> "\"" + name + "\" has another shape")
          .orElse("they have another order");
    }

    private Block block(List<String[]> lines, int at) throws IOException {
      settings.clear();
      arrays.clear();
      for (int k = at + 1; k < lines.size() && !lines.get(k)[0].equals("block"); k++) {
        String[] words = lines.get(k);
        (words[0].equals("set") ? settings : arrays).put(words[1], words[2]);
      }
      String[] words = lines.get(at);
      List<String> names =
          Arrays.stream(words, 2, words.length).map(CurvatureFile::decoded).toList();
      ParameterLayout layout = expected.only(names);
      String form = decoded(words[1]);
      return switch (form) {
        case DiagonalBlock.FORM -> DiagonalBlock.read(layout, this);
        case KroneckerBlock.FORM -> KroneckerBlock.read(layout, this);
        case CorrectedBlock.FORM -> CorrectedBlock.read(layout, this);
        case DenseBlock.FORM -> DenseBlock.read(layout, this);
        case LowRankBlock.FORM -> LowRankBlock.read(layout, this);
        default -> throw new IOException(file + " has a block of an unknown form, " + form + ".");
      };
    }

    String setting(String name) throws IOException {
      return there(name, settings.get(name));
    }

    int[] integers(String name) throws IOException {
      return Arrays.stream(longs(setting(name))).mapToInt(Math::toIntExact).toArray();
    }

    INDArray array(String name) throws IOException {
      return Npy.read(bytes(there(name, arrays.get(name))));
    }

    private <T> T there(String name, @Nullable T value) throws IOException {
      if (value == null) {
        throw new IOException(file + " is damaged: it has no \"" + name + "\".");
      }
      return value;
    }

    private byte[] bytes(String entry) throws IOException {
      ZipEntry found = there(entry, zip.getEntry(entry));
      try (InputStream in = zip.getInputStream(found)) {
        return in.readAllBytes();
      }
    }
  }

  /** NumPy's format, version 1.0, of doubles in C order. */
  static final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final Pattern SHAPE = Pattern.compile("'shape': \\(([0-9, ]*)\\)");

    private Npy() {}

    static void write(OutputStream out, INDArray array) throws IOException {
      String shape =
          Arrays.stream(array.shape()).mapToObj(k -> k + ",").collect(Collectors.joining(" "));
      StringBuilder header =
          new StringBuilder("{'descr': '<f8', 'fortran_order': False, 'shape': (")
              .append(shape)
              .append("), }");
      while ((MAGIC.length + 2 + header.length() + 1) % 64 != 0) {
        header.append(' ');
      }
      header.append('\n');
      byte[] head = new byte[MAGIC.length + 2 + header.length()];
      little(head)
          .put(MAGIC)
          .putShort((short) header.length())
          .put(header.toString().getBytes(StandardCharsets.US_ASCII));
      out.write(head);
      double[] numbers = Matrices.numbers(array);
      int chunk = 8192;
      for (int at = 0; at < numbers.length; at += chunk) {
        int count = Math.min(chunk, numbers.length - at);
        byte[] bytes = new byte[count * Double.BYTES];
        little(bytes).asDoubleBuffer().put(numbers, at, count);
        out.write(bytes);
      }
    }

    private static ByteBuffer little(byte[] bytes) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static INDArray read(byte[] bytes) throws IOException {
      ByteBuffer all = little(bytes);
      byte[] magic = new byte[MAGIC.length];
      all.get(magic);
      byte[] head = new byte[all.getShort()];
      all.get(head);
      String header = new String(head, StandardCharsets.US_ASCII);
      Matcher shape = SHAPE.matcher(header);
      if (!Arrays.equals(magic, MAGIC) || !header.contains("'<f8'") || !shape.find()) {
        throw new IOException("An array of the file has another format than doubles of NumPy.");
      }
      double[] numbers = new double[all.remaining() / Double.BYTES];
      all.asDoubleBuffer().get(numbers);
      String extents = Objects.requireNonNull(shape.group(1)).replace(" ", "");
      return Matrices.array(numbers, longs(extents.replaceAll(",$", "")));
    }
  }
}
