namespace Caracal.ControlPlane.OpenApi;

/// <summary>What one route takes and gives.</summary>
internal sealed record Operation
{
    public required string Method { get; init; }
    public required string Path { get; init; }
    public required string Id { get; init; }
    public required string Summary { get; init; }
    public IReadOnlyList<(string Name, Shape Shape)> Query { get; init; } = [];

    /// <summary>Null when the route reads no body.</summary>
    public Shape? Body { get; init; }

    public required int Status { get; init; }

    /// <summary>Null when the answer is empty.</summary>
    public Shape? Answer { get; init; }

    /// <summary>What this route refuses beyond <see cref="DocumentedOperations.OfAnyCall"/>.</summary>
    public IReadOnlyList<(int Status, string Code)> Refusals { get; init; } = [];
}

/// <summary>operations.txt: every type and every operation of the API.</summary>
internal sealed class DocumentedOperations
{
    /// <summary>What any call may be refused with, before its route looks at it or because something is broken.</summary>
    public static readonly IReadOnlyList<(int Status, string Code)> OfAnyCall =
    [
        (400, "invalid_params"), (400, "invalid_body"), (401, "invalid_admin_token"), (401, "invalid_account_assertion"), (403, "admin_token_read_only"),
        (403, "admin_token_approve_only"), (403, "approve_capability_required"), (403, "admin_token_zone_mismatch"), (403, "system_zone_read_only"),
        (403, "account_scope_required"), (403, "zone_forbidden"), (413, "payload_too_large"), (415, "invalid_body"), (429, "rate_limited"),
        (500, "internal_error"), (500, "audit_unavailable"),
    ];

    private DocumentedOperations(IReadOnlyList<(string Name, Shape Shape)> types, IReadOnlyList<Operation> all)
    {
        Types = types;
        All = all;
    }

    /// <summary>Types with a name, in their order.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Types { get; }

    public IReadOnlyList<Operation> All { get; }

    public static DocumentedOperations Load()
    {
        using var stream = typeof(DocumentedOperations).Assembly.GetManifestResourceStream("operations.txt")!;
        using var reader = new StreamReader(stream);
        var types = new List<(string, Shape)>();
        var operations = new List<Operation>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.StartsWith("type ", StringComparison.Ordinal))
            {
                var type = new ShapeReader(line, "type ".Length);
                var name = type.ReadName();
                if (!type.Take('=')) throw new FormatException($"'=' is missing in: {line}");
                types.Add((name, type.ReadShape()));
            }
            else
            {
                operations.Add(Read(line));
            }
        }

        return new DocumentedOperations(types, operations);
    }

    private static Operation Read(string whole)
    {
        var (line, refused) = whole.Split(" ! ") is [var before, var after] ? (before, after.Split(' ')) : (whole, []);
        var head = line.Split(' ', 3);
        var rest = new ShapeReader(head[2]);
        var id = rest.ReadName();
        var summary = rest.ReadQuoted();
        var query = new List<(string, Shape)>();
        Shape? body = null;
        while (!rest.Take('-'))
        {
            var word = rest.ReadName();
            if (word == "body") body = rest.ReadShape();
            else if (word != "query") query.Add((word, rest.Take(':') ? rest.ReadShape() : QueryShape(word)));
        }

        if (!rest.Take('>')) throw new FormatException($"'>' is missing in: {line}");
        var status = int.Parse(rest.ReadName());
        return new Operation
        {
            Method = head[0],
            Path = head[1],
            Id = id,
            Summary = summary,
            Query = query,
            Body = body,
            Status = status,
            Answer = rest.AtEnd ? null : rest.ReadShape(),
            Refusals = [.. ListRefusals(query), .. Refusals(refused)],
        };
    }

    private static IEnumerable<(int Status, string Code)> ListRefusals(IEnumerable<(string Name, Shape Shape)> query)
    {
        foreach (var (name, _) in query)
        {
            if (name == "cursor") yield return (400, "invalid_query");
            if (name == "cursor") yield return (400, "invalid_cursor");
            if (name == "fields") yield return (400, "invalid_fields");
        }
    }

    private static IEnumerable<(int Status, string Code)> Refusals(IEnumerable<string> words)
    {
        var status = 0;
        foreach (var word in words)
        {
            if (char.IsAsciiDigit(word[0])) status = int.Parse(word);
            else yield return (status, word);
        }
    }

    private static PlainShape QueryShape(string name) => name switch
    {
        "limit" => new PlainShape("integer", 1, 1000),
        "since" or "until" => new PlainShape("time", null, null),
        _ => new PlainShape("string", 1, null),
    };
}
