using System.Text.Json.Serialization;

namespace Caracal.Storage;

/// <summary>Source-generated JSON for list columns on SQLite.</summary>
[JsonSerializable(typeof(string[]))]
internal sealed partial class StringListContext : JsonSerializerContext;
