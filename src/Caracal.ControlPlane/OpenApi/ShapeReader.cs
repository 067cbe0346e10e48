using System.Globalization;

namespace Caracal.ControlPlane.OpenApi;

/// <summary>
/// Reads the notation of operations.txt: <c>{name?: type; …}</c>, <c>type[]</c>, <c>"a"|"b"</c>, <c>type|null</c>,
/// <c>string(1..200)</c>, <c>Page&lt;Zone&gt;</c> and names of other types.
/// </summary>
internal sealed class ShapeReader(string text, int start = 0)
{
    private static readonly string[] Plain = ["string", "integer", "boolean", "object", "time", "any"];

    /// <summary>Where reading goes on.</summary>
    public int Position { get; private set; } = start;

    public bool AtEnd => Position >= text.Length;

    /// <summary>A type.</summary>
    public Shape ReadShape()
    {
        var shape = ReadSuffixed();
        var words = shape is WordsShape first ? new List<string>(first.Words) : null;
        while (Take('|'))
        {
            var next = ReadSuffixed();
            if (next is NamedShape { Name: "null" }) shape = new NullableShape(shape);
            else if (words is not null && next is WordsShape more) words.AddRange(more.Words);
            else throw Fault("only words and null may be alternatives");
            if (words is not null && shape is WordsShape) shape = new WordsShape([.. words]);
        }

        return shape;
    }

    /// <summary>A word of letters, digits and <c>_</c>.</summary>
    public string ReadName()
    {
        SkipSpace();
        var from = Position;
        while (!AtEnd && (char.IsAsciiLetterOrDigit(text[Position]) || text[Position] == '_')) Position++;
        return Position > from ? text[from..Position] : throw Fault("a name is missing");
    }

    /// <summary>A text in quotation marks.</summary>
    public string ReadQuoted()
    {
        Expect('"');
        var end = text.IndexOf('"', Position);
        if (end < 0) throw Fault("a quotation mark is missing");
        var quoted = text[Position..end];
        Position = end + 1;
        return quoted;
    }

    /// <summary>Whether <paramref name="expected"/> comes next; it is taken then.</summary>
    public bool Take(char expected)
    {
        SkipSpace();
        if (AtEnd || text[Position] != expected) return false;
        Position++;
        return true;
    }

    private Shape ReadSuffixed()
    {
        var shape = ReadOne();
        while (Take('['))
        {
            Expect(']');
            var (least, most) = ReadBounds();
            shape = new ListShape(shape, least, most);
        }

        return shape;
    }

    private Shape ReadOne()
    {
        SkipSpace();
        if (!AtEnd && text[Position] == '"') return new WordsShape([ReadQuoted()]);
        if (Take('{')) return ReadMembers();
        var name = ReadName();
        if (name == "Page")
        {
            Expect('<');
            var member = ReadShape();
            Expect('>');
            return new PageShape(member);
        }

        if (!Plain.Contains(name)) return new NamedShape(name);
        var (least, most) = ReadBounds();
        return new PlainShape(name, least, most);
    }

    private ObjectShape ReadMembers()
    {
        var members = new List<Member>();
        while (!Take('}'))
        {
            var name = ReadName();
            var optional = Take('?');
            Expect(':');
            members.Add(new Member(name, ReadShape(), !optional));
            Take(';');
        }

        return new ObjectShape(members);
    }

    private (long? Least, long? Most) ReadBounds()
    {
        if (AtEnd || text[Position] != '(') return (null, null);
        var end = text.IndexOf(')', Position);
        var bounds = text[(Position + 1)..end].Split("..");
        Position = end + 1;
        return (Number(bounds[0]), Number(bounds[1]));

        static long? Number(string digits) => digits.Length == 0 ? null : long.Parse(digits, CultureInfo.InvariantCulture);
    }

    private void Expect(char expected)
    {
        if (!Take(expected)) throw Fault($"'{expected}' is missing");
    }

    private void SkipSpace()
    {
        while (!AtEnd && text[Position] == ' ') Position++;
    }

    private FormatException Fault(string what) => new($"{what} at {Position} of: {text}");
}
